import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Tally } from './tally.ts';

/** Everything that goes wrong by itself. Processes that are killed are counted apart, as crashes. */
export const FAULT_NAMES = [
  'call to the coordinator lost',
  'answer of the coordinator lost',
  'call to the coordinator slow',
  'call met an older coordinator',
  'part cut',
  'part stored and its answer lost',
  'part stalled',
  'part throttled',
  'part answered 500',
  'part answered RequestTimeout',
  'part lands after it was given up',
  'machine of a client slept',
  'store call lost',
  'store answer lost',
  'store throttled',
  'store slow',
  'HEAD fails',
  'answer to Complete spoiled',
  'Complete goes on after its deadline',
  'copy lost',
  'answer to a copy lost',
  'copy slow',
  'copy goes on after it was given up',
  'upload ended by the bucket',
  'a part of the object lost by the store',
  'object deleted by somebody else',
  'object of somebody else at the key',
  'metadata dropped at create',
  'ETag of equal bytes changed',
  'part landed after an abort',
  'catalog down',
  'catalog answer lost',
  'catalog slow',
  'lease not renewed',
  'key vault down',
  'state down',
  'state answer lost',
  'state read-only',
  'state full',
  'state flushed',
  'state lost its last writes',
  'sink down',
  'sink answer lost',
  'sink rejects an event',
  'file changed',
  'stream broke off',
] as const;

/** One of {@link FAULT_NAMES}. */
export type FaultName = (typeof FAULT_NAMES)[number];

/** When a fault may strike, and how often it does then. */
export interface FaultWindow {
  readonly name: FaultName;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly probability: number;
}

/** What goes wrong in a schedule. */
export interface Faults {
  /** Whether it strikes now; counted if so. */
  strikes(name: FaultName): boolean;
  /** Counts what struck by another way. */
  struck(name: FaultName): void;
  /** Nothing goes wrong from now on. */
  heal(): void;
  readonly isHealed: boolean;
}

/** The faults of one schedule. */
export function createFaults(
  { scheduler, random, tally }: { scheduler: Scheduler; random: Random; tally: Tally },
  windows: readonly FaultWindow[],
): Faults {
  let isHealed = false;
  const struck = (name: FaultName): void => {
    tally.count(name);
    scheduler.note(`fault: ${name}`);
  };
  return {
    struck,
    strikes(name) {
      if (isHealed) return false;
      const nowMs = scheduler.nowMs();
      const window = windows.find((one) => one.name === name && one.fromMs <= nowMs && nowMs < one.untilMs);
      if (!window || !random.chance(window.probability)) return false;
      struck(name);
      return true;
    },
    heal: () => void (isHealed = true),
    get isHealed() {
      return isHealed;
    },
  };
}
