/**
 * Counts calls, so that nobody makes too many. A bucket holds the calls of one minute and fills up again evenly: after a
 * pause a caller may make them all at once.
 *
 * Throws {@link CallLimiterError} when what it counts in cannot be reached.
 */
export interface CallLimiter {
  /**
   * Takes calls out of a bucket; more than it can ever hold count as all of it.
   *
   * @returns 0, or when there are not so many in it: after how many milliseconds there will be. Nothing is taken then
   */
  take(bucket: string, calls: number, callsPerMinute: number): Promise<number>;
}

/** The limiter could not be reached. */
export class CallLimiterError extends Error {
  override readonly name = 'CallLimiterError';
}
