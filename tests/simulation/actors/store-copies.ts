import { ObjectStoreError } from '@longhaul/coordinator';
import type { Faults } from '../engine/faults.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import type { Caller, Wire } from '../engine/wire.ts';
import { S3Refusal } from '../store/s3-refusal.ts';
import type { Work } from '../store/simulated-s3.ts';

/** What a copy at the store lives in. */
export interface CopyWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly wire: Wire;
}

/** As in the S3 adapter. */
const DEADLINE_MS = 10 * 60_000;
const LATENCY_MS = 25;
const COPY_MS = 2_000;
/** Some stores copy so slowly that a lease would run out if nobody renewed it. */
const SLOW_COPY_MS = 100_000;
const MAX_COPY_MS = 30 * 60_000;

const CALL = 'objectStore.copyPart';

/**
 * A copy at the store: sent once, worked on for as long as it takes, whether or not somebody waits for the answer.
 *
 * @param begin lets it in, or throws an `S3Refusal`
 */
export function sendCopy(world: CopyWorld, caller: Caller, begin: () => Work<unknown>): Promise<void> {
  const { scheduler, random, faults, wire } = world;
  return new Promise((resolve, reject) => {
    if (!wire.pass(caller, `${CALL} before`)) return;
    let isAnswered = false;
    const answer = (words: string, error?: Error): void => {
      if (isAnswered) return;
      isAnswered = true;
      deadline.cancel();
      scheduler.note(`${caller.name} ${CALL} ${words}`);
      scheduler.after(random.delayMs(LATENCY_MS), () => {
        if (!wire.pass(caller, `${CALL} after`)) return;
        if (error) reject(error);
        else resolve();
      });
    };
    const lose = (why: string): void => answer(why, new ObjectStoreError('unreachable', why));
    const deadline = scheduler.after(DEADLINE_MS, () => lose('no answer within the deadline'));
    const isLost = faults.strikes('copy lost');
    const isUnheard = faults.strikes('answer to a copy lost');
    const copyMs = faults.strikes('copy goes on after it was given up')
      ? DEADLINE_MS + random.fraction() * (MAX_COPY_MS - DEADLINE_MS)
      : random.delayMs(faults.strikes('copy slow') ? SLOW_COPY_MS : COPY_MS);

    scheduler.after(random.delayMs(LATENCY_MS), () => {
      if (isLost) return lose('ECONNRESET');
      if (isUnheard) scheduler.after(random.fraction() * copyMs, () => lose('ECONNRESET'));
      const work = orRefusal(begin);
      if (work instanceof S3Refusal) return answer(work.message, refused(work));
      scheduler.after(copyMs, () => {
        const written = orRefusal(() => work.finish());
        if (isAnswered) scheduler.note(`a copy that nobody waits for is done`);
        if (written instanceof S3Refusal) answer(written.message, refused(written));
        else answer('done');
      });
    });
  });
}

function refused(refusal: S3Refusal): ObjectStoreError {
  return new ObjectStoreError('refused', refusal.message, refusal);
}

function orRefusal<Value>(work: () => Value): Value | S3Refusal {
  try {
    return work();
  } catch (error) {
    if (error instanceof S3Refusal) return error;
    throw error;
  }
}
