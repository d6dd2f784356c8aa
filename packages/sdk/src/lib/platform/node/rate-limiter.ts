import type { Clock } from '../../ports/clock.ts';

/** Lets bytes pass at a given rate, over everything that asks. */
export interface RateLimiter {
  /** Largest piece to ask for at once: small enough that all who ask take turns within a second. */
  readonly maxPieceBytes: number;
  /** Resolves when `bytes` may be sent, first come, first served. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Bytes that may be sent ahead of time, in milliseconds of the rate: evens out the coarseness of timers. */
const BURST_MS = 50;

/** A token bucket that hands out times instead of tokens: each taker books the span that its bytes need. */
export function createRateLimiter(maxBytesPerSecond: number, clock: Clock): RateLimiter {
  let bookedUntilMs = clock.nowMs();
  return {
    maxPieceBytes: Math.max(1, Math.floor(maxBytesPerSecond / 32)),
    async take(bytes, signal) {
      const nowMs = clock.nowMs();
      const startMs = Math.max(bookedUntilMs, nowMs - BURST_MS);
      bookedUntilMs = startMs + (bytes / maxBytesPerSecond) * 1_000;
      if (bookedUntilMs > nowMs) await clock.sleep(bookedUntilMs - nowMs, signal);
    },
  };
}
