/** How far an upload is, in bytes. */
export interface UploadProgress {
  /**
   * Bytes stored, plus those on their way. Never goes back, even when a part has to be sent again: it stands still until
   * that has made up for it.
   */
  readonly sentBytes: number;
  /** `undefined` while nobody knows: of a stream without `expectedSizeBytes`, until its end. */
  readonly totalBytes: number | undefined;
  /** Smoothed over the last few seconds, what is sent again included; 0 while there is nothing to go by, and in a pause. */
  readonly bytesPerSecond: number;
  /** Seconds left at this rate; `undefined` while there is no rate. */
  readonly etaSeconds?: number | undefined;
}

/** Span over which the rate is smoothed: long enough not to flicker, short enough to follow a change of network. */
const SMOOTHING_MS = 4_000;

/** Readings closer together than this say more about timers than about the network. */
const MIN_READING_MS = 100;

/** One look at the speed. */
export interface RateReading {
  readonly atMs: number;
  /** All that has moved so far. */
  readonly movedBytes: number;
  readonly bytesPerSecond: number;
}

/** Exponential smoothing that weighs a reading by the time it covers. The first one is taken as it is. */
export function nextRate(last: RateReading, atMs: number, movedBytes: number): RateReading {
  const spanMs = atMs - last.atMs;
  if (spanMs < MIN_READING_MS) return last;
  const current = ((movedBytes - last.movedBytes) / spanMs) * 1_000;
  const weight = last.bytesPerSecond === 0 ? 1 : 1 - Math.exp(-spanMs / SMOOTHING_MS);
  return { atMs, movedBytes, bytesPerSecond: last.bytesPerSecond + weight * (current - last.bytesPerSecond) };
}
