import type { ReceivedPart } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { nextRate, type RateReading, type UploadProgress } from '../progress.ts';
import type { Emitter } from './emitter.ts';

/** How far one part is. */
export interface PartProgress {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** Bytes of the present attempt; falls back to 0 when an attempt has failed. */
  readonly sentBytes: number;
  readonly isStored: boolean;
}

/** What a tracker tells. */
export interface TrackerEvents {
  /** At most ten times a second until everything is sent. */
  readonly progress: UploadProgress;
  /** Each time that bytes of a part have moved, or its fate has changed. */
  readonly part: PartProgress;
}

/** Follows the parts of an upload and tells of them. */
export interface UploadTracker {
  /** Called again once a size is known that was not. */
  begin(totalBytes: number | null, receivedParts: readonly ReceivedPart[]): void;
  /** Bytes of the part's present attempt, or all of them once it is stored. */
  partMoved(part: ReceivedPart, sentBytes: number, isStored?: boolean): void;
  /** Nothing moves from now on, and that is no slowness. */
  rest(): void;
  /** What was known of parts is of another upload. */
  clear(): void;
  /** As of the last time that bytes moved. */
  progress(): UploadProgress;
}

const PROGRESS_EVERY_MS = 100;

/** A tracker that tells of every part, and of the progress at most ten times a second. */
export function createUploadTracker(clock: Clock, emit: Emitter<TrackerEvents>['emit']): UploadTracker {
  const bytesOf = new Map<number, number>();
  let sumBytes = 0;
  // Unlike the sum it only grows: what is sent again has taken its time, too.
  let movedBytes = 0;
  let toldMs = -Infinity;
  let rate: RateReading | undefined;
  let progress: UploadProgress = { sentBytes: 0, totalBytes: 0, bytesPerSecond: 0 };

  const tell = (): void => {
    const nowMs = clock.nowMs();
    const { totalBytes } = progress;
    const sentBytes = Math.min(totalBytes ?? Infinity, Math.max(progress.sentBytes, sumBytes));
    rate = nextRate(rate ?? { atMs: nowMs, movedBytes, bytesPerSecond: 0 }, nowMs, movedBytes);
    const { bytesPerSecond } = rate;
    const leftBytes = totalBytes === undefined ? NaN : totalBytes - sumBytes;
    const etaSeconds = bytesPerSecond > 0 && leftBytes >= 0 ? leftBytes / bytesPerSecond : undefined;
    progress = { sentBytes, totalBytes, bytesPerSecond, etaSeconds };
    if (nowMs - toldMs < PROGRESS_EVERY_MS && sentBytes !== totalBytes) return;
    toldMs = nowMs;
    emit('progress', progress);
  };
  const update = ({ partNumber, sizeBytes }: ReceivedPart, sentBytes: number, isStored = false): void => {
    const grownBytes = sentBytes - (bytesOf.get(partNumber) ?? 0);
    sumBytes += grownBytes;
    movedBytes += Math.max(0, grownBytes);
    bytesOf.set(partNumber, sentBytes);
    emit('part', { partNumber, sizeBytes, sentBytes, isStored });
  };

  return {
    begin(totalBytes, receivedParts) {
      progress = { ...progress, totalBytes: totalBytes ?? undefined };
      for (const part of receivedParts) update(part, part.sizeBytes, true);
      tell();
    },
    partMoved(part, sentBytes, isStored) {
      update(part, sentBytes, isStored);
      tell();
    },
    clear() {
      bytesOf.clear();
      sumBytes = 0;
      rate = undefined;
    },
    rest() {
      rate = undefined;
      progress = { ...progress, bytesPerSecond: 0, etaSeconds: undefined };
      emit('progress', progress);
    },
    progress: () => progress,
  };
}
