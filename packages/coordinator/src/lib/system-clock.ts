import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from './ports/clock.ts';

/** The machine's own time and chance. */
export const systemClock: Clock = {
  nowEpochMs: () => Date.now(),
  randomUuid: () => randomUUID(),
  sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal, ref: false }),
};
