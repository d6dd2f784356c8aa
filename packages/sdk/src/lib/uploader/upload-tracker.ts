import type { ReceivedPart } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { createProgressMeter, type UploadProgress } from '../progress.ts';

/** How far one part is. */
export interface PartProgress {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** Bytes of the present attempt; falls back to 0 when an attempt has failed. */
  readonly sentBytes: number;
  readonly isStored: boolean;
}

/** Follows the parts of an upload and tells of them. */
export interface UploadTracker {
  begin(totalBytes: number, receivedParts: readonly ReceivedPart[]): void;
  /** Bytes of the part's present attempt, or all of them once it is stored. */
  partMoved(part: ReceivedPart, sentBytes: number, isStored?: boolean): void;
  /** Tells the progress at this moment. */
  tell(): void;
  /** As of the last time that bytes moved. */
  progress(): UploadProgress;
}

const PROGRESS_EVERY_MS = 100;

/** A tracker that tells of every part, and of the progress at most ten times a second. */
export function createUploadTracker(
  clock: Clock,
  onPart: (part: PartProgress) => void,
  onProgress: (progress: UploadProgress) => void,
): UploadTracker {
  let meter = createProgressMeter(0);
  let progress = meter.read(clock.nowMs());
  let toldMs = -Infinity;

  const tell = (everyMs = 0): void => {
    const nowMs = clock.nowMs();
    progress = meter.read(nowMs);
    if (nowMs - toldMs < everyMs) return;
    toldMs = nowMs;
    onProgress(progress);
  };
  const update = ({ partNumber, sizeBytes }: ReceivedPart, sentBytes: number, isStored = false): void => {
    meter.update(partNumber, sentBytes);
    onPart({ partNumber, sizeBytes, sentBytes, isStored });
  };

  return {
    begin(totalBytes, receivedParts) {
      meter = createProgressMeter(totalBytes);
      for (const part of receivedParts) update(part, part.sizeBytes, true);
      tell();
    },
    partMoved(part, sentBytes, isStored) {
      update(part, sentBytes, isStored);
      tell(PROGRESS_EVERY_MS);
    },
    tell,
    progress: () => progress,
  };
}
