import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tryWider } from './wider.ts';
import { reduceWidth, startWidth, type WidthEvent, type WidthState } from './width.ts';

const MIB = 1024 ** 2;

/** Events in the order of time. An attempt begins up to 20 s before it ends. */
const events = fc.array(
  fc.record({
    kind: fc.constantFrom('trouble', 'stored', 'measured'),
    afterMs: fc.nat(5_000),
    lastedMs: fc.nat(20_000),
    bytesPerSecond: fc.integer({ min: 0, max: 200 * MIB }),
  }),
  { maxLength: 200 },
);

function play(
  state: WidthState,
  steps: readonly { kind: string; afterMs: number; lastedMs: number; bytesPerSecond: number }[],
  look: (before: WidthState, kind: string, after: WidthState) => void,
): WidthState {
  let nowMs = 0;
  for (const { kind, afterMs, lastedMs, bytesPerSecond } of steps) {
    nowMs += afterMs;
    const event = { kind, startedMs: nowMs - lastedMs, nowMs } as WidthEvent;
    const after = kind === 'measured' ? tryWider(state, bytesPerSecond) : reduceWidth(state, event);
    look(state, kind, after);
    state = after;
  }
  return state;
}

function stored(state: WidthState, count: number, startedMs = Infinity): WidthState {
  for (let part = 0; part < count; part++) state = reduceWidth(state, { kind: 'stored', startedMs });
  return state;
}

function measured(state: WidthState, ...mibPerSecond: number[]): WidthState {
  for (const rate of mibPerSecond) state = tryWider(state, rate * MIB);
  return state;
}

/** A line that has been busy for a while at some other rate. */
function settledWidth(width: number, maxWidth: number): WidthState {
  return measured(startWidth(width, maxWidth), ...Array.from({ length: 10 }, () => 100));
}

function trouble(state: WidthState, startedMs: number, nowMs: number): WidthState {
  return reduceWidth(state, { kind: 'trouble', startedMs, nowMs });
}

describe('reduceWidth', () => {
  it('stays from 1 to the most, and reacts to every event in its own direction only', () => {
    fc.assert(
      fc.property(
        events,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 20 }),
        (steps, width, room) => {
          play(startWidth(width, width + room), steps, (before, kind, after) => {
            expect(after.width).toBeGreaterThanOrEqual(1);
            expect(after.width).toBeLessThanOrEqual(width + room);
            expect(after.ceiling).toBeGreaterThanOrEqual(before.ceiling);
            if (kind === 'trouble') expect(after.width).toBeLessThanOrEqual(before.width);
            if (kind === 'stored') expect(after.width).toBeGreaterThanOrEqual(before.width);
            if (kind === 'stored') expect(after.width).toBeLessThanOrEqual(before.width + 1);
            const least = Math.min(before.width, before.ceiling);
            if (kind === 'measured') expect(after.width).toBeGreaterThanOrEqual(least);
          });
        },
      ),
    );
  });

  it('comes back to its ceiling after any trouble, once parts go through', () => {
    fc.assert(
      fc.property(events, fc.integer({ min: 1, max: 20 }), (steps, width) => {
        const after = play(startWidth(width, width), steps, () => {});
        expect(stored(after, width * (width + 1)).width).toBe(width);
      }),
    );
  });

  it('halves once for all that were under way together', () => {
    let state = startWidth(8, 8);
    for (let part = 0; part < 8; part++) state = trouble(state, part, 100 + part);
    expect(state.width).toBe(4);
    state = trouble(state, 150, 200);
    expect(state.width).toBe(2);
    expect(trouble(trouble(state, 250, 300), 350, 400).width).toBe(1);
  });

  it('is one wider for each width of parts that were begun since and went through', () => {
    const halved = trouble(startWidth(8, 8), 0, 100);
    expect(stored(halved, 50, 99).width).toBe(4);
    expect(stored(halved, 3).width).toBe(4);
    expect(stored(halved, 4).width).toBe(5);
    expect(stored(halved, 4 + 5 + 6 + 7).width).toBe(8);
  });
});

describe('tryWider', () => {
  it('keeps a wider width that carries more, and leaves one that does not', () => {
    const tried = measured(settledWidth(8, 16), 2, 2);
    expect(tried.width).toBe(12);
    // The first reading is of connections that still come up to speed.
    expect(measured(tried, 2).width).toBe(12);
    expect(measured(tried, 2, 2.2)).toMatchObject({ width: 8, ceiling: 8 });
    expect(measured(tried, 0.5, 3)).toMatchObject({ width: 12, ceiling: 12 });
    expect(measured(tried, 0.5, 3, 3.1)).toMatchObject({ width: 16, ceiling: 12 });
  });

  it('does not try again soon what has shown no gain', () => {
    const settled = measured(settledWidth(8, 16), 2, 2, 2, 2);
    expect(settled.width).toBe(8);
    expect(measured(settled, ...Array.from({ length: 20 }, () => 2)).width).toBe(8);
    expect(measured(settled, ...Array.from({ length: 21 }, () => 2)).width).toBe(12);
  });

  it('tries nothing wider where each connection is fast, where no more are allowed, or in trouble', () => {
    expect(measured(settledWidth(8, 16), 100, 100).width).toBe(8);
    expect(measured(settledWidth(6, 6), 1, 1).width).toBe(6);
    expect(measured(trouble(settledWidth(8, 16), 0, 1), 1, 1).width).toBe(4);
  });

  it('tries nothing wider in an upload of seconds', () => {
    const rates = Array.from({ length: 10 }, () => 2);
    expect(measured(startWidth(8, 16), ...rates).width).toBe(8);
    expect(measured(startWidth(8, 16), ...rates, 2).width).toBe(12);
  });

  it('tries nothing wider while connections come up to speed', () => {
    expect(measured(settledWidth(8, 16), 1, 2, 3, 4, 5).width).toBe(8);
    expect(measured(settledWidth(8, 16), 1, 2, 3, 4, 4.2).width).toBe(12);
  });
});
