/** How far an upload is, in bytes. */
export interface UploadProgress {
  /** Bytes stored, plus those on their way. Never goes back, even when a part has to be sent again. */
  readonly sentBytes: number;
  readonly totalBytes: number;
  /** Bytes in parts that the store has taken. */
  readonly storedBytes: number;
  /** Smoothed over the last few seconds; 0 until there is something to go by. */
  readonly bytesPerSecond: number;
  /** Seconds left at this rate; `undefined` while there is no rate. */
  readonly etaSeconds: number | undefined;
}

/** Adds up what the parts report. */
export interface ProgressMeter {
  /** Bytes of one part on their way, in its present attempt; 0 when an attempt has failed. */
  partMoved(partNumber: number, sentBytes: number): void;
  /** The store has taken the part. */
  partStored(partNumber: number, sizeBytes: number): void;
  /** Parts were lost after all, and will be sent again. */
  partLost(partNumber: number, sizeBytes: number): void;
  /** The sum at this moment. */
  read(nowMs: number): UploadProgress;
}

/** Span over which the rate is smoothed: long enough not to flicker, short enough to follow a change of network. */
const SMOOTHING_MS = 4_000;

/** Readings closer together than this say more about timers than about the network. */
const MIN_READING_MS = 100;

/** A meter for one upload of which `storedBytes` are there already. */
export function createProgressMeter(totalBytes: number, storedBytes: number, startMs: number): ProgressMeter {
  const moving = new Map<number, number>();
  let stored = storedBytes;
  let movingBytes = 0;
  let sentBytes = storedBytes;
  let rate: RateReading = { atMs: startMs, sentBytes: storedBytes, bytesPerSecond: 0 };

  const setMoving = (partNumber: number, bytes: number): void => {
    movingBytes += bytes - (moving.get(partNumber) ?? 0);
    if (bytes === 0) moving.delete(partNumber);
    else moving.set(partNumber, bytes);
  };

  return {
    partMoved: setMoving,
    partStored(partNumber, sizeBytes) {
      setMoving(partNumber, 0);
      stored += sizeBytes;
    },
    partLost(_partNumber, sizeBytes) {
      stored -= sizeBytes;
    },
    read(nowMs) {
      sentBytes = Math.min(totalBytes, Math.max(sentBytes, stored + movingBytes));
      rate = nextRate(rate, nowMs, sentBytes);
      const { bytesPerSecond } = rate;
      const etaSeconds = bytesPerSecond > 0 ? (totalBytes - sentBytes) / bytesPerSecond : undefined;
      return { sentBytes, totalBytes, storedBytes: stored, bytesPerSecond, etaSeconds };
    },
  };
}

/** One look at the speed. */
export interface RateReading {
  readonly atMs: number;
  readonly sentBytes: number;
  readonly bytesPerSecond: number;
}

/** Exponential smoothing that weighs a reading by the time it covers. The first one is taken as it is. */
export function nextRate(last: RateReading, atMs: number, sentBytes: number): RateReading {
  const spanMs = atMs - last.atMs;
  if (spanMs < MIN_READING_MS) return last;
  const current = ((sentBytes - last.sentBytes) / spanMs) * 1_000;
  const weight = last.bytesPerSecond === 0 ? 1 : 1 - Math.exp(-spanMs / SMOOTHING_MS);
  return { atMs, sentBytes, bytesPerSecond: last.bytesPerSecond + weight * (current - last.bytesPerSecond) };
}
