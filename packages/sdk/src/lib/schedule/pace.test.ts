import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeStanding, paceAnswered, paceMoved, type Standing, UNKNOWN_PACE } from './pace.ts';

const KIB = 1024;
const MIB = 1024 ** 2;

/** A line on which `steps` bytes move every `gapMs`. */
function lineOf(gapMs: number, stepBytes: number, moves = 20): typeof UNKNOWN_PACE {
  let pace = UNKNOWN_PACE;
  for (let turn = 0; turn < moves; turn++) pace = paceMoved(pace, turn * gapMs, gapMs, stepBytes);
  return pace;
}

function judge(pace: typeof UNKNOWN_PACE, standing: Partial<Standing>): ReturnType<typeof judgeStanding> {
  const usual = { silentMs: 0, hasSlept: false, hasSentAll: false, drainMs: 0, limitMs: 30_000, factor: 1 };
  return judgeStanding(pace, { ...usual, ...standing });
}

describe('judgeStanding', () => {
  it('waits out the longest silence on a line of which nothing is known', () => {
    expect(judge(UNKNOWN_PACE, { silentMs: 30_000, othersBytes: 1e9 })).toBeUndefined();
    expect(judge(UNKNOWN_PACE, { silentMs: 30_001 })).toBe('silence');
    expect(judge(UNKNOWN_PACE, { silentMs: 30_001, hasSentAll: true })).toBe('unanswered');
    expect(judge(lineOf(100, MIB, 9), { silentMs: 20_000 })).toBeUndefined();
  });

  it('gives up within 10 s on a line that does a part of 16 MiB each second', () => {
    // Eight connections, 2 MiB/s each, pieces of 1 MiB.
    const pace = lineOf(500, MIB);
    expect(judge(pace, { silentMs: 5_001, othersBytes: 10 * MIB })).toBe('dead');
    expect(judge(pace, { silentMs: 7_001 })).toBe('silence');
    let answered = pace;
    for (let turn = 0; turn < 10; turn++) answered = paceAnswered(answered, 300);
    expect(judge(answered, { silentMs: 2_499, hasSentAll: true })).toBeUndefined();
    expect(judge(answered, { silentMs: 2_501, hasSentAll: true })).toBe('unanswered');
  });

  it('never takes a line that has become slow for a dead connection', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000 }),
        fc.integer({ min: KIB, max: MIB }),
        // Others are as slow as this one: at most two steps apart, whatever the phase.
        fc.double({ min: 0, max: 2, noNaN: true }),
        fc.integer({ min: 0, max: 30_000 }),
        (gapMs, stepBytes, steps, silentMs) => {
          const pace = lineOf(gapMs, stepBytes);
          expect(judge(pace, { silentMs, othersBytes: steps * stepBytes })).toBeUndefined();
        },
      ),
    );
  });

  it('is as patient as the line was ever silent, five times over', () => {
    const pace = lineOf(2_000, 16 * KIB);
    expect(judge(pace, { silentMs: 9_900, othersBytes: MIB })).toBeUndefined();
    expect(judge(pace, { silentMs: 10_100, othersBytes: MIB })).toBe('dead');
    expect(judge(pace, { silentMs: 9_900 })).toBeUndefined();
  });

  it('is more patient with each attempt that fails', () => {
    const pace = lineOf(500, MIB);
    const often = { othersBytes: 100 * MIB, factor: 4 };
    expect(judge(pace, { ...often, silentMs: 19_000 })).toBeUndefined();
    expect(judge(pace, { ...often, silentMs: 21_000 })).toBe('dead');
    expect(judge(UNKNOWN_PACE, { silentMs: 119_000, factor: 4 })).toBeUndefined();
  });

  it('waits longer for answers that take long, also for those that it has given up', () => {
    let pace = lineOf(10, MIB);
    for (let turn = 0; turn < 50; turn++) pace = paceAnswered(pace, 100);
    expect(judge(pace, { silentMs: 2_151, hasSentAll: true })).toBe('unanswered');
    for (let turn = 0; turn < 10; turn++) pace = paceAnswered(pace, 2_400);
    expect(judge(pace, { silentMs: 5_500, hasSentAll: true })).toBeUndefined();
    expect(judge(pace, { silentMs: 5_700, hasSentAll: true })).toBe('unanswered');
  });

  it('leaves a slow line the time to send what waits in the buffers', () => {
    const slow = { hasSentAll: true, drainMs: 90_000 };
    expect(judge(UNKNOWN_PACE, { ...slow, silentMs: 89_000 })).toBeUndefined();
    expect(judge(UNKNOWN_PACE, { ...slow, silentMs: 91_000 })).toBe('unanswered');
  });

  it('ends after a sleep what has not moved since', () => {
    expect(judge(UNKNOWN_PACE, { hasSlept: true, silentMs: 2_001 })).toBe('asleep');
    expect(judge(UNKNOWN_PACE, { hasSlept: true, silentMs: 1_999 })).toBeUndefined();
  });
});
