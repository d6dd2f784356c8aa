import {
  isUploadError,
  type OpenedUpload,
  type PartProgress,
  type TransferState,
  type Uploader,
  type UploadHandle,
  type UploadResult,
} from '@longhaul/sdk';
import {
  completedFigures,
  completingFigures,
  endedFigures,
  openingFigures,
  type Quiet,
  sendingFigures,
} from './card-figures.ts';
import { type CardAction, type CardPhase, createCardView } from './card-view.ts';
import { failureText } from './failure-text.ts';
import { formatPercent } from './format.ts';

/** A file in the list, from the moment it is picked. */
export interface UploadCard {
  readonly element: HTMLElement;
  readonly isRunning: boolean;
  readonly sentBytes: number;
  readonly totalBytes: number;
  /** Looks whether bytes still move. */
  tick(nowMs: number): void;
  redraw(): void;
}

/** What a card needs of the page. */
export interface CardOptions {
  readonly file: File;
  readonly uploader: Uploader<File>;
  readonly template: HTMLTemplateElement;
  /** Says something to people who cannot see the page. */
  readonly announce: (text: string) => void;
  readonly onRemove: () => void;
}

/** Silence after which the figures say so. */
const QUIET_AFTER_MS = 4_000;

/** Starts the upload of a file and shows it until it is removed. */
export function startUploadCard({ file, uploader, template, announce, onRemove }: CardOptions): UploadCard {
  const view = createCardView(template, file.name, act);
  let phase: CardPhase = 'opening';
  let resumedParts = 0;
  let shownUpload = '';
  let startedAtMs = 0;
  let movedAtMs = 0;
  let lastAttemptFailed = false;
  let upload = start();

  function start(): UploadHandle {
    const handle = uploader.upload(file);
    startedAtMs = performance.now();
    shownUpload = '';
    view.clear();
    view.setFigures(openingFigures(file.size));
    enter('opening', '');
    handle.on('state', showState);
    handle.on('part', showPart);
    handle.on('progress', () => showProgress(undefined));
    handle.result.then(showResult, showFailure);
    return handle;
  }

  function enter(next: CardPhase, badge: string): void {
    phase = next;
    view.setPhase(next, badge);
  }

  function act(action: CardAction): void {
    if (action === 'retry') upload = start();
    if (action === 'pause') upload.pause();
    if (action === 'resume') upload.resume();
    // A cancel that fails rejects the result too, and that one is shown.
    if (action === 'cancel') upload.cancel().catch(() => {});
    if (action === 'remove') onRemove();
  }

  function showState(state: TransferState): void {
    if (state.kind === 'sending') {
      if (state.upload.uploadId !== shownUpload) showUpload(state.upload);
      enter('sending', formatPercent(upload.progress.sentBytes, file.size));
    }
    if (state.kind === 'paused') enter('paused', 'paused');
    if (state.kind === 'opening') enter('opening', '');
    if (state.kind === 'completing') {
      enter('completing', 'putting together');
      view.setFigures(completingFigures(file.size));
    }
    if (state.kind === 'cancelling') enter('cancelling', 'cancelling');
  }

  /** Once for each upload that the file becomes: one that had expired begins again as another. */
  function showUpload({ uploadId, plan, resumedParts: storedBefore }: OpenedUpload): void {
    shownUpload = uploadId;
    resumedParts = storedBefore;
    view.setPartCount(plan.sizeBytes === null ? 0 : plan.partCount);
    if (resumedParts > 0) announce(`${file.name} goes on where it stopped.`);
  }

  function showPart(part: PartProgress): void {
    movedAtMs = performance.now();
    lastAttemptFailed = part.sentBytes === 0 && !part.isStored;
    view.setPart(part);
  }

  function showProgress(quiet: Quiet | undefined): void {
    if (phase !== 'sending') return;
    const { progress } = upload;
    const { sentBytes, totalBytes = file.size } = progress;
    const figures = sendingFigures({ progress, resumedParts, quiet });
    view.setFigures(figures);
    view.setPercent(totalBytes === 0 ? 100 : (sentBytes / totalBytes) * 100, figures);
    enter('sending', formatPercent(sentBytes, totalBytes));
  }

  function showResult({ bucket, key, etag, sizeBytes, partCount, uploadId }: UploadResult): void {
    const durationMs = performance.now() - startedAtMs;
    view.fill();
    view.setPercent(100, 'stored');
    view.setFigures(completedFigures({ sizeBytes, partCount, resumedParts, durationMs }));
    view.setFacts({ Object: `${bucket}/${key}`, ETag: etag });
    view.setLink(`/objects/${uploadId}`);
    enter('completed', 'stored');
    announce(`${file.name} is stored.`);
  }

  function showFailure(error: unknown): void {
    view.setFigures(endedFigures(upload.progress, file.size));
    if (isUploadError(error) && error.code === 'CANCELLED') {
      enter('cancelled', 'cancelled');
      announce(`${file.name} was cancelled.`);
      return;
    }
    const failure = failureText(error);
    view.setFailure(failure);
    enter('failed', 'failed');
    announce(`${file.name} failed. ${failure.title}.`);
  }

  return {
    element: view.element,
    get isRunning() {
      return phase !== 'completed' && phase !== 'cancelled' && phase !== 'failed';
    },
    get sentBytes() {
      return upload.progress.sentBytes;
    },
    totalBytes: file.size,
    tick(nowMs) {
      if (nowMs - movedAtMs > QUIET_AFTER_MS) showProgress(lastAttemptFailed ? 'retrying' : 'waiting');
    },
    redraw: view.redraw,
  };
}
