import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { createWatch, type Watched } from './watch.ts';

interface HandClock extends Clock {
  /** Time goes by, for timers and for the clock on the wall. */
  pass(ms: number): Promise<void>;
  /** Time goes by on the wall alone, as it does while the machine sleeps. */
  sleepMachine(ms: number): void;
}

/** A clock that is moved by hand. */
function handClock(): HandClock {
  let nowMs = 0;
  let wallMs = 1.8e12;
  let timers: { readonly dueMs: number; readonly ring: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    nowEpochMs: () => wallMs,
    randomFraction: () => 0,
    randomUuid: () => '',
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        timers.push({ dueMs: nowMs + delayMs, ring: resolve });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
    async pass(ms) {
      for (let step = 0; step < ms; step += 250) {
        nowMs += 250;
        wallMs += 250;
        const due = timers.filter(({ dueMs }) => dueMs <= nowMs);
        timers = timers.filter(({ dueMs }) => dueMs > nowMs);
        for (const { ring } of due) ring();
        // Whoever was woken goes back to sleep.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
    sleepMachine: (ms) => void (wallMs += ms),
  };
}

const attempt = { sizeBytes: 1_000_000, failures: 0, signal: new AbortController().signal };

/** Bytes move, a few times a second. */
async function carry(clock: HandClock, moving: readonly Watched[], seconds: number): Promise<void> {
  for (let turn = 1; turn <= seconds * 4; turn++) {
    await clock.pass(250);
    for (const one of moving) one.moved(clock.nowMs());
  }
}

describe('the watch', () => {
  it('ends a connection on which nothing moves while others carry on, and leaves those alone', async () => {
    const clock = handClock();
    const watch = createWatch({ clock, stallTimeoutMs: 30_000 });
    const [dead, moving] = [watch.begin(attempt), watch.begin(attempt)];
    await carry(clock, [dead, moving], 3);
    await carry(clock, [moving], 5);
    expect(dead.stall).toBeUndefined();
    await carry(clock, [moving], 2);
    expect(dead.stall).toBe('dead');
    expect(dead.signal.reason).toEqual(new Error('dead'));
    expect(moving.signal.aborted).toBe(false);
  });

  it('leaves connections alone that are silent all together, until that has been for too long', async () => {
    const clock = handClock();
    const watch = createWatch({ clock, stallTimeoutMs: 30_000 });
    const all = [watch.begin(attempt), watch.begin(attempt)];
    await carry(clock, all, 3);
    await clock.pass(29_000);
    expect(all.map(({ stall }) => stall)).toEqual([undefined, undefined]);
    await clock.pass(3_000);
    expect(all.map(({ stall }) => stall)).toEqual(['silence', 'silence']);
  });

  it('gives a part that nobody sees move the time that all of it may take', async () => {
    const clock = handClock();
    const sizeBytes = 64 * 1024 * 20;
    const seen = createWatch({ clock, stallTimeoutMs: 30_000 }).begin({ ...attempt, sizeBytes });
    const unseen = createWatch({ clock, stallTimeoutMs: 30_000, seesProgress: false }).begin({
      ...attempt,
      sizeBytes,
    });
    await clock.pass(49_000);
    expect([seen.stall, unseen.stall]).toEqual(['silence', undefined]);
    await clock.pass(3_000);
    expect(unseen.stall).toBe('silence');
  });

  it('ends what was under way when the machine went to sleep', async () => {
    const clock = handClock();
    const watch = createWatch({ clock, stallTimeoutMs: 30_000 });
    const one = watch.begin(attempt);
    await carry(clock, [one], 2);
    clock.sleepMachine(3_600_000);
    await clock.pass(3_000);
    expect(one.stall).toBe('asleep');
  });

  it('does not mind a wall clock that is wrong, or is put right', async () => {
    const clock = handClock();
    const watch = createWatch({ clock, stallTimeoutMs: 30_000 });
    const one = watch.begin(attempt);
    clock.sleepMachine(-86_400_000);
    await carry(clock, [one], 10);
    // Put forward by a day: what moves is not taken for asleep.
    clock.sleepMachine(86_400_000);
    one.moved(clock.nowMs() + 1);
    await carry(clock, [one], 10);
    expect(one.stall).toBeUndefined();
  });

  it('is twice as patient with each attempt of a part that has failed', async () => {
    const clock = handClock();
    const watch = createWatch({ clock, stallTimeoutMs: 1_000 });
    const [first, third] = [watch.begin(attempt), watch.begin({ ...attempt, failures: 2 })];
    await clock.pass(2_000);
    expect([first.stall, third.stall]).toEqual(['silence', undefined]);
    await clock.pass(2_500);
    expect(third.stall).toBe('silence');
  });

  it('leaves a part that was slow the time to leave the buffers of the machine', async () => {
    const clock = handClock();
    const one = createWatch({ clock, stallTimeoutMs: 2_000 }).begin(attempt);
    for (let turn = 1; turn <= 10; turn++) {
      await clock.pass(1_000);
      one.moved((attempt.sizeBytes / 10) * turn);
    }
    await clock.pass(9_000);
    expect(one.stall).toBeUndefined();
    await clock.pass(2_000);
    expect(one.stall).toBe('unanswered');
  });

  it('learns from answers that it has given up', async () => {
    const clock = handClock();
    const watch = createWatch({ clock, stallTimeoutMs: 60_000 });
    const waitFor = async (answerMs: number): Promise<string | undefined> => {
      const one = watch.begin(attempt);
      one.moved(attempt.sizeBytes);
      await clock.pass(answerMs);
      one.end(one.stall === undefined);
      return one.stall;
    };
    for (let part = 0; part < 10; part++) await waitFor(250);
    expect(await waitFor(4_000)).toBe('unanswered');
    expect(await waitFor(4_000)).toBe('unanswered');
    expect(await waitFor(4_000)).toBeUndefined();
  });

  it('passes on the abort of the part itself, and keeps no timer once nothing is under way', async () => {
    const clock = handClock();
    const stop = new AbortController();
    const one = createWatch({ clock, stallTimeoutMs: 1_000 }).begin({ ...attempt, signal: stop.signal });
    stop.abort(new Error('enough'));
    expect(one.signal.reason).toEqual(new Error('enough'));
    expect(one.stall).toBeUndefined();
    one.end(false);
    await clock.pass(5_000);
    expect(one.stall).toBeUndefined();
  });
});
