import { setTimeout as sleep } from 'node:timers/promises';

/** How long to ask, how often, and what makes asking pointless. */
export interface WaitOptions {
  /** What is being waited for, for the message. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly everyMs?: number;
  readonly signal: AbortSignal;
  /** Rejects when the thing asked can never answer, e.g. because its process ended. */
  readonly unless?: Promise<never>;
}

/** Asks until `probe` resolves. Rejects with its last error when time is up. */
export async function waitUntil(probe: () => Promise<void>, options: WaitOptions): Promise<void> {
  const { what, timeoutMs = 60_000, everyMs = 100, signal, unless } = options;
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const failure = await Promise.race([failureOf(probe), ...(unless ? [unless] : [])]);
    if (failure === undefined) return;
    if (performance.now() > deadline) {
      throw new Error(`${what} did not answer within ${timeoutMs / 1000} s: ${failure.message}`, {
        cause: failure,
      });
    }
    await sleep(everyMs, undefined, { signal });
  }
}

async function failureOf(probe: () => Promise<void>): Promise<Error | undefined> {
  try {
    await probe();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
