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
  /** Whether the server has ever done what is asked of it: then it is worth more patience. */
  readonly isKnownServer?: (() => boolean) | undefined;
}

/**
 * The one place that tries again. Calls `attempt` with the number of those that failed until it has a value; waits in
 * between until there is a network, and then as the policy says.
 *
 * @throws the error of the last attempt; the signal's reason when it aborts
 */
export async function repeat<Value>(
  { clock, connectivity, retry, isKnownServer }: RepeatInput,
  signal: AbortSignal,
  attempt: (failures: number) => Promise<Outcome<Value>>,
): Promise<Value> {
  for (let failures = 0, renewals = 0, spentMs = 0; ;) {
    const startedMs = clock.nowMs();
    const outcome = await attempt(failures);
    if ('value' in outcome) return outcome.value;
    const { trouble, error, retryAfterSeconds } = outcome;
    const isRenewal = trouble === 'refused-url' || trouble === 'refused-signature';
    renewals = isRenewal ? renewals + 1 : 0;
    if (!isRenewal && trouble !== 'interrupted') failures++;
    spentMs += clock.nowMs() - startedMs;
    const troubledMs = isKnownServer?.() ? spentMs : undefined;
    const circumstances = { failures, renewals, troubledMs, retryAfterSeconds };
    const delayMs = nextDelayMs(retry, trouble, circumstances, clock.randomFraction());
    if (delayMs === undefined) throw error;
    await connectivity?.whenOnline(signal);
    await clock.sleep(delayMs, signal);
    spentMs += delayMs;
  }
}
