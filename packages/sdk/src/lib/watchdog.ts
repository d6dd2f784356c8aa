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

/**
 * A connection may stay open for ever without carrying anything: after `timeoutMs` of silence, and before twice that, the
 * attempt is ended.
 */
export function createWatchdog(clock: Clock, timeoutMs: number, parent: AbortSignal): Watchdog {
  const stalled = new AbortController();
  const over = new AbortController();
  let fed = 0;

  const watch = async (): Promise<void> => {
    for (let seen = -1; seen !== fed; await clock.sleep(timeoutMs, over.signal)) seen = fed;
    stalled.abort(new Error('silence'));
  };
  // Rejects only when `stop` ends the sleep: nothing is left to do then.
  watch().catch(() => {});

  return {
    signal: AbortSignal.any([parent, stalled.signal]),
    feed: () => void fed++,
    stop: () => over.abort(),
  };
}
