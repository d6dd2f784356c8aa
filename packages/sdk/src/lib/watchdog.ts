import type { Clock } from './ports/clock.ts';

/** Watches one attempt to send. */
export interface Watchdog {
  /** Aborts when nothing has moved for too long, or when the parent signal does. */
  readonly signal: AbortSignal;
  /** Something has moved. */
  feed(): void;
  /** The attempt is over. */
  stop(): void;
}

/** A connection may stay open for ever without carrying anything: after `timeoutMs` of silence the attempt is ended. */
export function createWatchdog(clock: Clock, timeoutMs: number, parent: AbortSignal): Watchdog {
  const stalled = new AbortController();
  const over = new AbortController();
  let lastFedMs = clock.nowMs();

  const watch = async (): Promise<void> => {
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = lastFedMs + timeoutMs - clock.nowMs()) {
      await clock.sleep(leftMs, over.signal);
    }
    stalled.abort(new Error(`stalled for ${timeoutMs} ms`));
  };
  // Rejects only when `stop` ends the sleep: nothing is left to do then.
  watch().catch(() => {});

  return {
    signal: AbortSignal.any([parent, stalled.signal]),
    feed() {
      lastFedMs = clock.nowMs();
    },
    stop() {
      over.abort();
    },
  };
}
