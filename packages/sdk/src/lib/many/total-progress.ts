import type { Clock } from '../ports/clock.ts';
import { nextRate, type RateReading, type UploadProgress } from '../progress.ts';
import type { UploadHandle } from '../uploader/upload-handle.ts';
import type { UploadCount } from './upload-item.ts';

/** How far many uploads are, taken together. */
export interface TotalProgress extends UploadProgress {
  /** Bytes known of so far. */
  readonly totalBytes: number;
  /** Files that are in the store, whole. */
  readonly doneFiles: number;
  readonly failedFiles: number;
  /** Files known of so far, those that are done or have failed included. */
  readonly totalFiles: number;
  /** Whether that, and `totalBytes`, is all there is. Before that more may be found, and `etaSeconds` is unknown. */
  readonly isCounted: boolean;
}

/** Adds up uploads and tells of it. */
export interface Total {
  /** All there is, counted before it is begun. */
  expect(count: UploadCount): void;
  /** One more; the returned functions say which upload it is, and how it has ended. */
  begin(sizeBytes: number | undefined): {
    follow(upload: UploadHandle): void;
    end(isDone: boolean): void;
  };
  /** No more will begin. */
  allBegun(): void;
  /** Nothing moves for a while: the rate is found anew. */
  rest(): void;
  progress(): TotalProgress;
}

const TELL_EVERY_MS = 100;

/** One that has begun and not ended. */
interface Running {
  upload?: UploadHandle;
  /** Known before the upload is open. */
  readonly sizeBytes: number | undefined;
}

/**
 * A total that tells at most ten times a second, and of every end. Its `sentBytes` never go back: what was sent of a file
 * that failed stays in, and what was not leaves `totalBytes`.
 */
export function createTotal(clock: Clock, tell: (progress: TotalProgress) => void): Total {
  const running = new Set<Running>();
  let counted: UploadCount | undefined;
  let isAllBegun = false;
  let [doneFiles, failedFiles, endedBytes, lostBytes] = [0, 0, 0, 0];
  let rate: RateReading | undefined;
  let toldMs = -Infinity;

  const progress = (): TotalProgress => {
    const now = sum(running);
    const isAllOpen = isAllBegun && now.isOpen;
    const ahead = isAllOpen ? undefined : counted;
    const sentBytes = endedBytes + now.sentBytes;
    const totalBytes = Math.max(endedBytes + now.totalBytes, (ahead?.bytes ?? 0) - lostBytes);
    const totalFiles = Math.max(doneFiles + failedFiles + running.size, ahead?.files ?? 0);
    const isCounted = isAllOpen || counted?.bytes !== undefined;
    const nowMs = clock.nowMs();
    rate = nextRate(rate ?? { atMs: nowMs, movedBytes: sentBytes, bytesPerSecond: 0 }, nowMs, sentBytes);
    const { bytesPerSecond } = rate;
    const hasEnd = isCounted && bytesPerSecond > 0;
    const etaSeconds = hasEnd ? (totalBytes - sentBytes) / bytesPerSecond : undefined;
    const files = { doneFiles, failedFiles, totalFiles, isCounted };
    return { sentBytes, totalBytes, bytesPerSecond, etaSeconds, ...files };
  };
  const moved = (isEnd: boolean): void => {
    if (!isEnd && clock.nowMs() - toldMs < TELL_EVERY_MS) return;
    toldMs = clock.nowMs();
    tell(progress());
  };

  return {
    progress,
    expect: (count) => void (counted ??= count),
    allBegun: () => void (isAllBegun = true),
    rest: () => void (rate = undefined),
    begin(sizeBytes) {
      const one: Running = { sizeBytes };
      running.add(one);
      return {
        follow(upload) {
          one.upload = upload;
          upload.on('progress', () => moved(false));
        },
        end(isDone) {
          const { sentBytes, totalBytes } = bytesOf(one);
          running.delete(one);
          endedBytes += sentBytes;
          lostBytes += totalBytes - sentBytes;
          if (isDone) doneFiles++;
          else failedFiles++;
          moved(true);
        },
      };
    },
  };
}

function sum(all: Iterable<Running>): { sentBytes: number; totalBytes: number; isOpen: boolean } {
  const sums = { sentBytes: 0, totalBytes: 0, isOpen: true };
  for (const one of all) {
    const { sentBytes, totalBytes } = bytesOf(one);
    sums.sentBytes += sentBytes;
    sums.totalBytes += totalBytes;
    sums.isOpen &&= one.sizeBytes !== undefined || isOpen(one);
  }
  return sums;
}

/** Whether its size is known now. */
function isOpen({ upload }: Running): boolean {
  return upload?.uploadId !== undefined && upload.progress.totalBytes !== undefined;
}

function bytesOf({ upload, sizeBytes: knownBytes = 0 }: Running): { sentBytes: number; totalBytes: number } {
  const { sentBytes = 0, totalBytes = sentBytes } = upload?.progress ?? {};
  return { sentBytes, totalBytes: Math.max(totalBytes, knownBytes) };
}
