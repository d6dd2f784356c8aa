import type { PartRange, ReceivedPart, UploadResult } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { createProgressMeter, type UploadProgress } from '../progress.ts';
import { UploadError } from '../upload-error.ts';
import { createEmitter } from './emitter.ts';
import {
  type OpenedUpload,
  reduceTransfer,
  type TransferAction,
  type TransferState,
} from './upload-state.ts';

/** How far one part is. */
export interface PartProgress {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** Bytes of the present attempt; falls back to 0 when an attempt has failed. */
  readonly sentBytes: number;
  readonly isStored: boolean;
}

/** What a handle tells. */
export interface UploadEvents {
  /** At most ten times a second, and once at the end. */
  readonly progress: UploadProgress;
  /** The new state. */
  readonly state: TransferState;
  /** Each time that bytes of a part have moved, or its fate has changed. */
  readonly part: PartProgress;
}

/** An upload under way. */
export interface UploadHandle {
  /**
   * The object, once it is whole. Rejects with an `UploadError`, with the reason of the caller's signal, or with a
   * `TypeError` if the source is nothing that can be uploaded.
   */
  readonly result: Promise<UploadResult>;
  /** `undefined` until the coordinator has opened the upload. */
  readonly uploadId: string | undefined;
  readonly state: TransferState;
  /** As of the last time that bytes moved. */
  readonly progress: UploadProgress;
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof UploadEvents>(name: Name, listener: (event: UploadEvents[Name]) => void): () => void;
  /**
   * Ends the upload for good: stops sending and tells the coordinator to let go of what was stored. `result` rejects
   * with `CANCELLED` then. When it is too late, `result` is fulfilled, and so is this with `completed`.
   *
   * @throws UploadError if the coordinator could not be told
   */
  cancel(): Promise<'cancelled' | 'completed'>;
}

/** The other side of a handle: what the upload itself reads and tells. */
export interface UploadControl {
  /** Aborted by the caller's signal alone. */
  readonly abortSignal: AbortSignal;
  /** Aborted by the caller's signal or by `cancel()`. */
  readonly stopSignal: AbortSignal;
  isCancelling(): boolean;
  dispatch(action: TransferAction): void;
  opened(upload: OpenedUpload, receivedParts: readonly ReceivedPart[]): void;
  partMoved(part: PartRange, sentBytes: number): void;
  partStored(part: PartRange): void;
  partLost(part: PartRange): void;
}

const PROGRESS_EVERY_MS = 100;

/** Starts `run` and hands out the handle to it. */
export function startUpload(
  run: (control: UploadControl) => Promise<UploadResult>,
  clock: Clock,
  abortSignal: AbortSignal = new AbortController().signal,
): UploadHandle {
  const { on, emit } = createEmitter<UploadEvents>();
  const cancelling = new AbortController();
  let state: TransferState = { kind: 'opening' };
  let meter = createProgressMeter(0, 0, clock.nowMs());
  let progress = meter.read(clock.nowMs());
  let lastProgressMs = -Infinity;

  const tellProgress = (isLast: boolean): void => {
    const nowMs = clock.nowMs();
    progress = meter.read(nowMs);
    if (!isLast && nowMs - lastProgressMs < PROGRESS_EVERY_MS) return;
    lastProgressMs = nowMs;
    emit('progress', progress);
  };
  const tellPart = ({ partNumber, sizeBytes }: PartRange, sentBytes: number, isStored: boolean): void => {
    emit('part', { partNumber, sizeBytes, sentBytes, isStored });
    tellProgress(false);
  };
  const dispatch = (action: TransferAction): void => {
    const next = reduceTransfer(state, action);
    if (next === state) return;
    state = next;
    if (next.kind === 'completing' || next.kind === 'completed') tellProgress(true);
    emit('state', next);
  };

  const control: UploadControl = {
    abortSignal,
    stopSignal: AbortSignal.any([abortSignal, cancelling.signal]),
    isCancelling: () => cancelling.signal.aborted,
    dispatch,
    opened(upload, receivedParts) {
      const storedBytes = receivedParts.reduce((sum, part) => sum + part.sizeBytes, 0);
      meter = createProgressMeter(upload.plan.sizeBytes, storedBytes, clock.nowMs());
      dispatch({ type: 'opened', upload });
      for (const part of receivedParts) emit('part', { ...part, sentBytes: part.sizeBytes, isStored: true });
      tellProgress(false);
    },
    partMoved(part, sentBytes) {
      meter.partMoved(part.partNumber, sentBytes);
      tellPart(part, sentBytes, false);
    },
    partStored(part) {
      meter.partStored(part.partNumber, part.sizeBytes);
      tellPart(part, part.sizeBytes, true);
    },
    partLost(part) {
      meter.partLost(part.partNumber, part.sizeBytes);
      tellPart(part, 0, false);
    },
  };

  const result = settle(run(control), control);
  return {
    result,
    on,
    get uploadId() {
      return 'upload' in state ? state.upload?.uploadId : undefined;
    },
    get state() {
      return state;
    },
    get progress() {
      return progress;
    },
    async cancel() {
      dispatch({ type: 'cancel-asked' });
      cancelling.abort(new UploadError('CANCELLED', 'The upload was cancelled.'));
      return await result.then(() => 'completed' as const, cancelledOrThrow);
    },
  };
}

async function settle(
  run: Promise<UploadResult>,
  { dispatch, abortSignal }: UploadControl,
): Promise<UploadResult> {
  try {
    const result = await run;
    dispatch({ type: 'completed', result });
    return result;
  } catch (error) {
    if (isCancelled(error)) dispatch({ type: 'cancelled' });
    else if (abortSignal.aborted) dispatch({ type: 'stopped', reason: error });
    else dispatch({ type: 'failed', error });
    throw error;
  }
}

function cancelledOrThrow(error: unknown): 'cancelled' {
  if (isCancelled(error)) return 'cancelled';
  throw error;
}

function isCancelled(error: unknown): boolean {
  return error instanceof UploadError && error.code === 'CANCELLED';
}
