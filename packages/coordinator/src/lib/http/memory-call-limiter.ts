import type { CallLimiter } from '../ports/call-limiter.ts';

/** What a bucket holds: the calls of so long. */
const SPAN_MS = 60_000;
/** Full buckets are forgotten when there are so many, so that callers from everywhere cannot fill the memory. */
const TIDY_AT = 50_000;

/**
 * Counts in this process: each replica lets pass as many.
 *
 * @param fullAt where it counts: the time at which each bucket will be full again
 */
export function createMemoryCallLimiter(
  nowEpochMs: () => number,
  fullAt: Map<string, number> = new Map(),
): CallLimiter {
  let tidyAt = TIDY_AT;
  return {
    async take(bucket, calls, callsPerMinute) {
      const nowMs = nowEpochMs();
      const afterMs =
        Math.max(fullAt.get(bucket) ?? 0, nowMs) +
        (Math.min(calls, callsPerMinute) / callsPerMinute) * SPAN_MS;
      const waitMs = Math.ceil(afterMs - nowMs - SPAN_MS);
      if (waitMs > 0) return waitMs;
      fullAt.set(bucket, afterMs);
      if (fullAt.size >= tidyAt) {
        for (const [name, atMs] of fullAt) if (atMs <= nowMs) fullAt.delete(name);
        // Those that are left are in use: looked through again only when there are twice as many.
        tidyAt = Math.max(TIDY_AT, 2 * fullAt.size);
      }
      return 0;
    },
  };
}
