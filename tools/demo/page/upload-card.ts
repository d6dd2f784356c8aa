import {
  isUploadError,
  type TransferState,
  type Uploader,
  type UploadHandle,
  type UploadResult,
} from '@longhaul/sdk';
import { type CardAction, type CardPhase, createCardView } from './card-view.ts';
import { completedFigures, openingFigures, sendingFigures } from './card-figures.ts';
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
  let movedAtMs = performance.now();
  let upload = start();

  function start(): UploadHandle {
    const handle = uploader.upload(file);
    view.clear();
    view.setFigures(openingFigures(file.size));
    enter('opening', '');
    handle.on('state', showState);
    handle.on('part', view.setPart);
    handle.on('progress', showProgress);
    handle.result.then(showResult, showFailure);
    return handle;
  }

  function enter(next: CardPhase, badge: string): void {
    phase = next;
    view.setPhase(next, badge);
  }

  function act(action: CardAction): void {
    if (action === 'retry') upload = start();
    // A cancel that fails rejects the result too, and that one is shown.
    if (action === 'cancel') upload.cancel().catch(() => {});
    if (action === 'remove') onRemove();
  }

  function showState(state: TransferState): void {
    if (state.kind === 'sending') {
      ({ resumedParts } = state.upload);
      if (phase === 'opening') view.setPartCount(state.upload.plan.partCount);
      if (resumedParts > 0) announce(`${file.name} goes on where it stopped.`);
      enter('sending', formatPercent(0, 1));
    }
    if (state.kind === 'completing') enter('completing', 'putting together');
    if (state.kind === 'cancelling') enter('cancelling', 'cancelling');
  }

  function showProgress(): void {
    movedAtMs = performance.now();
    if (phase === 'sending' || phase === 'completing') showFigures(false);
  }

  function showFigures(isQuiet: boolean): void {
    const { sentBytes, totalBytes } = upload.progress;
    const figures = sendingFigures({ progress: upload.progress, resumedParts, isQuiet });
    view.setFigures(figures);
    view.setPercent(totalBytes === 0 ? 100 : (sentBytes / totalBytes) * 100, figures);
    if (phase === 'sending') enter('sending', formatPercent(sentBytes, totalBytes));
  }

  function showResult({ bucket, key, etag, sizeBytes, partCount, uploadId }: UploadResult): void {
    view.fill();
    view.setPercent(100, 'stored');
    view.setFigures(completedFigures({ sizeBytes, partCount, resumedParts }));
    view.setFacts({ Object: `${bucket}/${key}`, ETag: etag });
    view.setLink(`/objects/${uploadId}`);
    enter('completed', 'stored');
    announce(`${file.name} is stored.`);
  }

  function showFailure(error: unknown): void {
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
      if (phase === 'sending' && nowMs - movedAtMs > QUIET_AFTER_MS) showFigures(true);
    },
    redraw: view.redraw,
  };
}
