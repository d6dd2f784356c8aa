/** How a failure is met. Left out parts keep their defaults. */
export interface RetryOptions {
  /** Times that one part, or one call to the coordinator, is tried. Default 10: about half a minute of waiting. */
  readonly maxAttempts?: number;
  /**
   * Time for which a server that has answered before is tried again, although `maxAttempts` are used up: an outage in the
   * middle of an upload may last longer than a typing mistake is worth. Time without a network does not count. Default
   * 120,000 ms; none if `maxAttempts` is given.
   */
  readonly patienceMs?: number;
  /** First wait after a failure of the network or the server; doubles each time. Default 100 ms. */
  readonly baseDelayMs?: number;
  /** The same after "slow down" (429, 503). Default 1,000 ms. A `Retry-After` of the server is honoured on top. */
  readonly throttledBaseDelayMs?: number;
  /** Longest wait. Default 20,000 ms, the same as in the AWS SDKs. */
  readonly maxDelayMs?: number;
}

/** {@link RetryOptions} with nothing left out. */
export type RetryPolicy = Required<RetryOptions>;

/** Fills in what was left out. */
export function retryPolicy(options: RetryOptions = {}): RetryPolicy {
  return {
    maxAttempts: 10,
    patienceMs: options.maxAttempts ? 0 : 120_000,
    baseDelayMs: 100,
    throttledBaseDelayMs: 1_000,
    maxDelayMs: 20_000,
    ...options,
  };
}

/**
 * What stands in the way.
 *
 * `transient`: the network, or a server that stumbled. `throttled`: a server that asks for patience. `refused-url`: a
 * URL that has expired, most likely; a fresh one helps, unless the reason is another. `refused-signature`: a request that
 * is not the one that was signed; a fresh URL helps if the key has changed meanwhile. `interrupted`: our own machine
 * slept, which is nobody's failure. `fatal`: nothing will help.
 */
export type Trouble =
  | 'transient'
  | 'throttled'
  | 'refused-url'
  | 'refused-signature'
  | 'interrupted'
  | 'fatal';

/** What an HTTP status that is no success says by itself. 0: a browser that does not tell. */
export function judgeStatus(status: number): Trouble {
  if (status === 429 || status === 503) return 'throttled';
  return !status || status === 408 || (status >= 500 && status !== 501) ? 'transient' : 'fatal';
}

/** What the decision rests on. */
export interface Circumstances {
  /** Attempts that failed, the last one included; refused URLs and interruptions do not count. */
  readonly failures: number;
  /** URLs refused in a row, the last one included. */
  readonly renewals: number;
  /** Time since the first of the failures, without that spent offline; `undefined` while the server has never answered. */
  readonly troubledMs?: number | undefined;
  /** What the server asked for, if it did. */
  readonly retryAfterSeconds?: number | undefined;
}

/** A server may ask for more patience than our own longest wait, within reason. */
const MAX_RETRY_AFTER_SECONDS = 60;

/** Fresh URLs in a row before the reason must be another. */
const MAX_RENEWALS = { 'refused-url': 2, 'refused-signature': 1 };

/**
 * How long to wait before the next attempt: exponential with full jitter, so that clients that failed together do not
 * come back together. `undefined`: give up.
 *
 * @param randomFraction from 0 (included) to 1 (excluded)
 */
export function nextDelayMs(
  policy: RetryPolicy,
  trouble: Trouble,
  { failures, renewals, troubledMs = Infinity, retryAfterSeconds = 0 }: Circumstances,
  randomFraction: number,
): number | undefined {
  if (trouble === 'refused-url' || trouble === 'refused-signature')
    return renewals > MAX_RENEWALS[trouble] ? undefined : 0;
  if (trouble === 'interrupted') return 0;
  if (trouble === 'fatal' || (failures >= policy.maxAttempts && troubledMs >= policy.patienceMs))
    return undefined;
  const baseDelayMs = trouble === 'throttled' ? policy.throttledBaseDelayMs : policy.baseDelayMs;
  const ceilingMs = Math.min(baseDelayMs * 2 ** (failures - 1), policy.maxDelayMs);
  return Math.max(randomFraction * ceilingMs, Math.min(retryAfterSeconds, MAX_RETRY_AFTER_SECONDS) * 1_000);
}
