/** How far an upload is, in bytes. */
export interface UploadProgress {
  /** Bytes stored, plus those on their way. Never goes back, even when a part has to be sent again. */
  readonly sentBytes: number;
  readonly totalBytes: number;
  /** Smoothed over the last few seconds; 0 until there is something to go by. */
  readonly bytesPerSecond: number;
  /** Seconds left at this rate; `undefined` while there is no rate. */
  readonly etaSeconds: number | undefined;
}

/** Adds up what the parts report. */
export interface ProgressMeter {
  /** Bytes of a part that are stored or on their way; 0 when an attempt has failed, or a stored part got lost. */
  update(partNumber: number, sentBytes: number): void;
  /** The sum at this moment. */
  read(nowMs: number): UploadProgress;
}

/** Span over which the rate is smoothed: long enough not to flicker, short enough to follow a change of network. */
const SMOOTHING_MS = 4_000;

/** Readings closer together than this say more about timers than about the network. */
const MIN_READING_MS = 100;

/** A meter for one upload. What it learns before the first reading was there before, and counts for no rate. */
export function createProgressMeter(totalBytes: number): ProgressMeter {
  const bytesOf = new Map<number, number>();
  let sumBytes = 0;
  let sentBytes = 0;
  let rate: RateReading | undefined;
  return {
    update(partNumber, partBytes) {
      sumBytes += partBytes - (bytesOf.get(partNumber) ?? 0);
      bytesOf.set(partNumber, partBytes);
    },
    read(nowMs) {
      sentBytes = Math.min(totalBytes, Math.max(sentBytes, sumBytes));
      rate = nextRate(rate ?? { atMs: nowMs, sentBytes, bytesPerSecond: 0 }, nowMs, sentBytes);
      const { bytesPerSecond } = rate;
      const etaSeconds = bytesPerSecond > 0 ? (totalBytes - sentBytes) / bytesPerSecond : undefined;
      return { sentBytes, totalBytes, bytesPerSecond, etaSeconds };
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
