import type { Clock } from './ports/clock.ts';
import type { Connectivity } from './ports/connectivity.ts';

/** What waiting takes. */
export interface PausePorts {
  readonly clock: Clock;
  readonly connectivity?: Connectivity;
}

/** Waits before a retry: until there is a network, then `delayMs`. Rejects with the signal's reason when it aborts. */
export async function pause(
  { clock, connectivity }: PausePorts,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  await connectivity?.whenOnline(signal);
  await clock.sleep(delayMs, signal);
}
