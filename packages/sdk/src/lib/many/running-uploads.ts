import { UploadError } from '../upload-error.ts';
import type { UploadHandle } from '../uploader/upload-handle.ts';

/** Uploads under way, to be told things together. */
export interface RunningUploads {
  /** Aborted when no more may begin: by the signal given, or by `cancel()`. */
  readonly endSignal: AbortSignal;
  /** Resolves at once, or when the pause is over. */
  whenGoing(): Promise<void>;
  /**
   * Starts another when it may begin, and counts it among them until it has ended, in one step: no pause or cancel comes
   * in between. Rejects when none may begin any more.
   */
  begin(start: () => UploadHandle): Promise<UploadHandle>;
  pause(): void;
  resume(): void;
  /** @throws UploadError if the coordinator could not be told of one of them; the others are cancelled all the same */
  cancel(): Promise<void>;
}

/** None yet. */
export function createRunningUploads(stopSignal: AbortSignal): RunningUploads {
  const uploads = new Set<UploadHandle>();
  const cancelling = new AbortController();
  const endSignal = AbortSignal.any([stopSignal, cancelling.signal]);
  let pause = Promise.resolve();
  let endPause: (() => void) | undefined;
  const goOn = (): void => {
    endPause?.();
    endPause = undefined;
  };
  endSignal.addEventListener('abort', goOn);
  const whenGoing = async (): Promise<void> => {
    while (endPause) await pause;
  };

  return {
    endSignal,
    whenGoing,
    async begin(start) {
      await whenGoing();
      endSignal.throwIfAborted();
      const upload = start();
      uploads.add(upload);
      const ended = (): void => void uploads.delete(upload);
      upload.result.then(ended, ended);
      return upload;
    },
    pause() {
      if (!endPause && !endSignal.aborted) pause = new Promise((resolve) => (endPause = resolve));
      for (const upload of uploads) upload.pause();
    },
    resume() {
      goOn();
      for (const upload of uploads) upload.resume();
    },
    async cancel() {
      cancelling.abort(new UploadError('CANCELLED', 'The upload was cancelled.'));
      const ends = await Promise.allSettled(Array.from(uploads, async (upload) => await upload.cancel()));
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
  };
}
