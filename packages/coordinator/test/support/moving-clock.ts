import type { Clock } from '../../src/index.ts';
import { systemClock } from '../../src/lib/system-clock.ts';

/** A clock that a test moves on: days pass at once, for the coordinator and for a catalog that is given `nowEpochMs`. */
export interface MovingClock extends Clock {
  pass(seconds: number): void;
}

export function createMovingClock(): MovingClock {
  let aheadMs = 0;
  return {
    ...systemClock,
    nowEpochMs: () => Date.now() + aheadMs,
    pass: (seconds) => void (aheadMs += seconds * 1000),
  };
}
