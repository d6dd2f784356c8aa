import type { Clock } from './ports/clock.ts';
import type { Connectivity } from './ports/connectivity.ts';
import { nextDelayMs, type RetryPolicy, type Trouble } from './retry.ts';

/** What came of one attempt. */
export type Outcome<Value> =
  | { readonly value: Value }
  | {
      readonly trouble: Trouble;
      /** Thrown if this was the last attempt. */
      readonly error: Error;
      readonly retryAfterSeconds?: number | undefined;
    };

/** What repeating takes. */
export interface RepeatInput {
  readonly clock: Clock;
  readonly connectivity?: Connectivity | undefined;
  readonly retry: RetryPolicy;
}

/**
 * The one place that tries again. Calls `attempt` with the number of those that failed until it has a value; waits in
 * between until there is a network, and then as the policy says.
 *
 * @throws the error of the last attempt; the signal's reason when it aborts
 */
export async function repeat<Value>(
  { clock, connectivity, retry }: RepeatInput,
  signal: AbortSignal,
  attempt: (failures: number) => Promise<Outcome<Value>>,
): Promise<Value> {
  for (let failures = 0, renewals = 0; ;) {
    const outcome = await attempt(failures);
    if ('value' in outcome) return outcome.value;
    const { trouble, error, retryAfterSeconds } = outcome;
    renewals = trouble === 'refused-url' ? renewals + 1 : 0;
    if (!renewals) failures++;
    const circumstances = { failures, renewals, retryAfterSeconds };
    const delayMs = nextDelayMs(retry, trouble, circumstances, clock.randomFraction());
    if (delayMs === undefined) throw error;
    await connectivity?.whenOnline(signal);
    await clock.sleep(delayMs, signal);
  }
}
