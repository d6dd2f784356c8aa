/** How a failure is met. Left out parts keep their defaults. */
export interface RetryOptions {
  /** Times that one part, or one call to the coordinator, is tried. Default 10: about half a minute of waiting. */
  readonly maxAttempts?: number;
  /** First wait after a failure of the network or the server; doubles each time. Default 100 ms. */
  readonly baseDelayMs?: number;
  /** The same after "slow down" (429, 503). Default 1,000 ms. A `Retry-After` of the server is honoured on top. */
  readonly throttledBaseDelayMs?: number;
  /** Longest wait. Default 20,000 ms, the same as in the AWS SDKs. */
  readonly maxDelayMs?: number;
}

/** {@link RetryOptions} with nothing left out. */
export type RetryPolicy = Required<RetryOptions>;

/** The policy when nobody says otherwise. */
export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 10,
  baseDelayMs: 100,
  throttledBaseDelayMs: 1_000,
  maxDelayMs: 20_000,
};

/**
 * What stands in the way.
 *
 * `transient`: the network, or a server that stumbled. `throttled`: a server that asks for patience. `expired`: the
 * URL is too old, nobody's fault. `forbidden`: the URL is refused for another reason; a fresh one may help, once.
 * `fatal`: nothing will help.
 */
export type Trouble = 'transient' | 'throttled' | 'expired' | 'forbidden' | 'fatal';

/** What was tried so far. */
export interface Tally {
  /** Attempts that failed, the last one included; expired URLs do not count. */
  readonly failures: number;
  /** Fresh URLs asked for in a row without an attempt that got further. */
  readonly renewals: number;
}

/** Fresh URLs in a row before an expired one is taken for a broken clock. */
const MAX_RENEWALS = { expired: 3, forbidden: 1 };

/** A server may ask for more patience than our own longest wait, within reason. */
const MAX_RETRY_AFTER_MS = 60_000;

/**
 * How long to wait before the next attempt: exponential with full jitter, so that clients that failed together do not
 * come back together. `undefined`: give up.
 *
 * @param randomFraction from 0 (included) to 1 (excluded)
 * @param retryAfterSeconds what the server asked for, if it did
 */
export function nextDelayMs(
  policy: RetryPolicy,
  trouble: Trouble,
  tally: Tally,
  {
    randomFraction,
    retryAfterSeconds = 0,
  }: { randomFraction: number; retryAfterSeconds?: number | undefined },
): number | undefined {
  if (trouble === 'fatal') return undefined;
  if (trouble === 'expired' || trouble === 'forbidden') {
    return tally.renewals < MAX_RENEWALS[trouble] ? 0 : undefined;
  }
  if (tally.failures >= policy.maxAttempts) return undefined;
  const baseDelayMs = trouble === 'throttled' ? policy.throttledBaseDelayMs : policy.baseDelayMs;
  const ceilingMs = Math.min(baseDelayMs * 2 ** (tally.failures - 1), policy.maxDelayMs);
  const askedMs = Math.min(retryAfterSeconds * 1_000, MAX_RETRY_AFTER_MS);
  return Math.max(randomFraction * ceilingMs, askedMs);
}
