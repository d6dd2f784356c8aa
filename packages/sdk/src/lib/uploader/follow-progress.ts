import type { UploadProgress } from '../progress.ts';
import type { Emitter } from './emitter.ts';
import type { TrackerEvents } from './upload-tracker.ts';

/** The upload that is followed. */
export interface FollowInput {
  readonly on: Emitter<TrackerEvents>['on'];
  readonly result: Promise<unknown>;
  progress(): UploadProgress;
}

/**
 * The progress as often as it is asked for, each time the newest: what came between is dropped, and nothing queues up.
 * Ends when the upload is complete.
 *
 * @throws what `result` rejects with
 */
export async function* followProgress({
  on,
  result,
  progress,
}: FollowInput): AsyncGenerator<UploadProgress, void, void> {
  let isOver = false;
  let wake = (): void => {};
  const end = (): void => {
    isOver = true;
    wake();
  };
  result.then(end, end);
  const leave = on('progress', () => wake());
  try {
    for (let last: UploadProgress | undefined; ;) {
      const newest = progress();
      // Before the upload is opened there is no total to go by.
      if (newest !== last && newest.totalBytes !== 0) yield (last = newest);
      else if (isOver) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    leave();
  }
  await result;
}
