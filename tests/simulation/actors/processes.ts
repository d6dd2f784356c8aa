import type { Clock, CoordinatorOptions } from '@longhaul/coordinator';
import { createLife, type Life, never } from '../engine/life.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import type { Caller } from '../engine/wire.ts';

/** A process of the coordinator: what it is made of, as long as it lives. */
export interface CoordinatorProcess extends Caller {
  readonly options: CoordinatorOptions;
}

/** The clock of a process: its sleeps end with it. */
export function clockOf(scheduler: Scheduler, random: Random, life: Life): Clock {
  return {
    nowEpochMs: scheduler.nowEpochMs,
    randomUuid: random.uuid,
    sleep: async (delayMs, signal) => {
      await scheduler.sleep(delayMs, signal);
      if (life.isOver) await never();
    },
  };
}

/** Result of work that a process does; `undefined` when the process died over it. */
export async function unlessItDies<Result>(life: Life, work: Promise<Result>): Promise<Result | undefined> {
  return await new Promise((resolve, reject) => {
    life.onEnd(() => resolve(undefined));
    work.then(resolve, reject);
  });
}

export { createLife };
