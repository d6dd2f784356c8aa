import { describe, expect, it } from 'vitest';
import type { Clock } from '../ports/clock.ts';
import { type Attempt, createLine, type Line } from './line.ts';

const MIB = 1024 ** 2;
const { signal } = new AbortController();

/** A line over a clock that is moved by hand, and whose timers ring when they are told to. */
function handLine(options: {
  readonly concurrency: number;
  readonly maxConcurrency?: number;
  readonly opensInRoundTrips?: number;
}): {
  readonly line: Line;
  begin(sizeBytes?: number): Attempt;
  pass(ms: number): Promise<void>;
} {
  let nowMs = 1;
  let timers: { readonly dueMs: number; readonly ring: () => void }[] = [];
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: (delayMs) => new Promise((ring) => timers.push({ dueMs: nowMs + delayMs, ring })),
    randomFraction: () => 0,
    randomUuid: () => '',
  };
  const { maxConcurrency = options.concurrency } = options;
  const line = createLine({ clock, ...options, maxConcurrency, stallTimeoutMs: 30_000 });
  return {
    line,
    begin: (sizeBytes = 16 * MIB) => line.begin({ sizeBytes, failures: 0, signal, isTls: false }),
    async pass(ms) {
      for (let step = 0; step < ms; step += 500) {
        nowMs += 500;
        const due = timers.filter(({ dueMs }) => dueMs <= nowMs);
        timers = timers.filter(({ dueMs }) => dueMs > nowMs);
        for (const { ring } of due) ring();
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    },
  };
}

describe('a line', () => {
  it('lets half as many go when the store asks for patience, and wins them back by parts that go through', async () => {
    const { line, begin, pass } = handLine({ concurrency: 8 });
    const all = Array.from({ length: 8 }, () => begin());
    await pass(1_000);
    for (const attempt of all) attempt.end('throttled');
    expect(line.pool.width).toBe(4);
    await pass(1_000);
    for (let part = 0; part < 4; part++) begin().end('stored');
    expect(line.pool.width).toBe(5);
  });

  it('lets half as many go when all of it has stalled, but not for one connection that has died', async () => {
    const { line, begin, pass } = handLine({ concurrency: 8 });
    const [dead, moving] = [begin(), begin(100 * MIB)];
    for (let turn = 1; turn <= 20; turn++) {
      await pass(500);
      moving.moved(turn * MIB);
    }
    expect(dead.stall).toBe('dead');
    dead.end('transient');
    expect(line.pool.width).toBe(8);
    await pass(31_000);
    expect(moving.stall).toBe('silence');
    moving.end('transient');
    expect(line.pool.width).toBe(4);
  });

  it('knows whether the store has ever taken a part', () => {
    const { line, begin } = handLine({ concurrency: 8 });
    begin().end('transient');
    expect(line.hasStored).toBe(false);
    begin().end('stored');
    expect(line.hasStored).toBe(true);
  });

  it.each([
    ['more connections would carry more, by those that carry little', 0.01, 1],
    ['they would not, by those that carry much', 0.5, 0],
  ])('knows whether %s', async (_, mebibytes, expected) => {
    const { line, begin, pass } = handLine({ concurrency: 8, opensInRoundTrips: 1 });
    let told = 0;
    line.heldBack.whenKnown(signal, () => told++);
    const attempts = [begin(), begin()];
    for (let turn = 1; turn <= 20; turn++) {
      await pass(500);
      for (const attempt of attempts) attempt.moved(turn * mebibytes * MIB);
    }
    expect(told).toBe(expected);
  });

  it('measures what it carries while every place is taken, and only then', async () => {
    const { line, begin, pass } = handLine({ concurrency: 1 });
    const spare = begin(100 * MIB);
    for (let turn = 1; turn <= 8; turn++) {
      await pass(500);
      spare.moved(turn * MIB);
    }
    expect(line.bytesPerSecond).toBeUndefined();
    void line.pool.run({}, signal, () => new Promise(() => {}));
    await pass(500);
    for (let turn = 9; turn <= 16; turn++) {
      await pass(500);
      spare.moved(turn * MIB);
    }
    expect(line.bytesPerSecond).toBe(2 * MIB);
  });

  it('tries more places than it began with, while more parts wait', async () => {
    const { line, begin, pass } = handLine({ concurrency: 1, maxConcurrency: 4 });
    const one = begin(1024 * MIB);
    for (let place = 0; place < 3; place++) void line.pool.run({}, signal, () => new Promise(() => {}));
    for (let turn = 1; turn <= 60 && line.pool.width === 1; turn++) {
      await pass(500);
      one.moved(turn * MIB);
    }
    expect(line.pool.width).toBe(2);
  });
});
