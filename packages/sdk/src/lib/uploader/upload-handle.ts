import type { UploadResult } from '@longhaul/protocol';
import { createGate, type Gate } from '../gate.ts';
import { loaded } from '../loaded.ts';
import type { Clock } from '../ports/clock.ts';
import type { UploadProgress } from '../progress.ts';
import { codeOf, UploadError } from '../upload-error.ts';
import { createEmitter } from './emitter.ts';
import type { FollowInput } from './follow-progress.ts';
import { reduceTransfer, type TransferEvent, type TransferState } from './upload-state.ts';
import { createUploadTracker, type TrackerEvents, type UploadTracker } from './upload-tracker.ts';

/** What a handle tells. */
export interface UploadEvents extends TrackerEvents {
  /** The new state. */
  readonly state: TransferState;
}

/**
 * An upload under way. Iterating over it gives its progress: the newest each time that one is asked for, however slowly,
 * until the upload is complete. It throws what `result` rejects with.
 *
 * @example
 * for await (const { sentBytes, totalBytes } of upload) bar.value = sentBytes / totalBytes;
 * const { key } = await upload.result;
 */
export interface UploadHandle extends AsyncIterable<UploadProgress, void, void> {
  /**
   * The object, once it is whole. Rejects with an `UploadError`, with the reason of the caller's signal, or with a
   * `TypeError` if the source is nothing that can be uploaded.
   */
  readonly result: Promise<UploadResult>;
  /** `undefined` until the coordinator has opened the upload. */
  readonly uploadId: string | undefined;
  /**
   * Of an upload with `sse-c`: its key, base64. The object cannot be read without it, and it is kept nowhere else.
   */
  readonly customerKey: string | undefined;
  readonly state: TransferState;
  /** As of the last time that bytes moved. */
  readonly progress: UploadProgress;
  /** Adds a listener; the returned function removes it. */
  on<Name extends keyof UploadEvents>(name: Name, listener: (event: UploadEvents[Name]) => void): () => void;
  /**
   * Stops sending at once, until `resume()`. What is stored is kept, the upload stays open, and `result` waits; parts that
   * were under way are sent again from their beginning. Does nothing once everything has been sent, or the upload has
   * ended. An upload that nobody goes on with expires at the coordinator, after 72 hours if it does not say otherwise: then
   * it begins again from the start.
   */
  pause(): void;
  /** Goes on after `pause()`. Does nothing otherwise. */
  resume(): void;
  /**
   * Ends the upload for good: stops sending and tells the coordinator to let go of what was stored. `result` rejects
   * with `CANCELLED` then. When it is too late, `result` is fulfilled, and so is this with `completed`.
   *
   * What an earlier run has left open of the same content ends with it: always once `uploadId` is known, and before that
   * where the `resumeStore` remembers it (in Node none does by default). Nothing else is told of one that has not begun.
   *
   * Nothing runs any more once the upload has failed or was stopped by its signal: this rejects as `result` did, and the
   * upload stays open. To end such a one, upload the same source again and cancel that.
   *
   * @throws UploadError if the coordinator could not be told
   */
  cancel(): Promise<'cancelled' | 'completed'>;
}

/** The other side of a handle: what the upload itself reads and tells. */
export interface UploadControl extends UploadTracker {
  /** Aborted by the caller's signal alone. */
  readonly abortSignal: AbortSignal;
  /** Aborted by the caller's signal or by `cancel()`. */
  readonly stopSignal: AbortSignal;
  /** Closed while the upload is paused. */
  readonly gate: Gate;
  /** As `UploadHandle.on`. */
  readonly on: UploadHandle['on'];
  /** As `UploadHandle.customerKey`. */
  readonly customerKey: string | undefined;
  /** Where the upload stands. */
  state(): TransferState;
  /** Tells what has happened; the reducer decides what follows. */
  dispatch(next: TransferEvent): void;
  /** Asks for the end of the upload, as `UploadHandle.cancel` does. */
  cancel(): void;
}

/** Starts `run` and hands out the handle to it. */
export function startUpload(
  run: (control: UploadControl) => Promise<UploadResult>,
  clock: Clock,
  abortSignal: AbortSignal = new AbortController().signal,
  customerKey?: string,
): UploadHandle {
  const { on, emit } = createEmitter<UploadEvents>();
  const cancelling = new AbortController();
  const stopSignal = AbortSignal.any([abortSignal, cancelling.signal]);
  const tracker = createUploadTracker(clock, emit);
  const gate = createGate();
  let state: TransferState = { kind: 'opening' };
  const dispatch = (next: TransferEvent): void => {
    const before = state;
    state = reduceTransfer(before, next);
    if (state === before) return;
    const isPaused = state.kind === 'paused';
    gate.setOpen(!isPaused);
    if (isPaused) tracker.rest();
    if (state.kind === 'opening') tracker.clear();
    emit('state', state);
  };
  const cancel = (): void => {
    dispatch({ kind: 'cancelling' });
    cancelling.abort(new UploadError('CANCELLED', 'The upload was cancelled.'));
  };
  const signals = { abortSignal, stopSignal };
  const control = { ...tracker, ...signals, gate, on, customerKey, state: () => state, dispatch, cancel };
  const result = run(control).then(
    (object) => {
      dispatch({ kind: 'completed', result: object });
      return object;
    },
    (error: unknown) => {
      dispatch(endBy(error, abortSignal));
      throw error;
    },
  );
  return {
    result,
    on,
    customerKey,
    get uploadId() {
      return state.upload?.uploadId;
    },
    get state() {
      return state;
    },
    get progress() {
      return tracker.progress();
    },
    pause: () => dispatch({ kind: 'paused' }),
    resume: () => dispatch({ kind: 'resumed' }),
    [Symbol.asyncIterator]: () => follow({ on, result, progress: tracker.progress }),
    async cancel() {
      cancel();
      return await endOf(result);
    },
  };
}

function endBy(error: unknown, abortSignal: AbortSignal): TransferEvent {
  if (codeOf(error) === 'CANCELLED') return { kind: 'cancelled' };
  return abortSignal.aborted ? { kind: 'stopped', reason: error } : { kind: 'failed', error };
}

async function endOf(result: Promise<unknown>): Promise<'cancelled' | 'completed'> {
  try {
    await result;
    return 'completed';
  } catch (error) {
    if (codeOf(error) === 'CANCELLED') return 'cancelled';
    throw error;
  }
}

/** On demand: most listen to events. */
async function* follow(upload: FollowInput): AsyncGenerator<UploadProgress, void, void> {
  yield* (await loaded(import('./follow-progress.ts'))).followProgress(upload);
}
