import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextRate, type RateReading } from './progress.ts';

const START: RateReading = { atMs: 0, movedBytes: 0, bytesPerSecond: 0 };

describe('nextRate', () => {
  it('finds a steady rate, however it is looked at', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.array(fc.integer({ min: 100, max: 10_000 }), { minLength: 1, maxLength: 50 }),
        (bytesPerSecond, spansMs) => {
          let rate = START;
          for (const spanMs of spansMs) {
            const atMs = rate.atMs + spanMs;
            rate = nextRate(rate, atMs, (atMs / 1_000) * bytesPerSecond);
          }
          expect(rate.bytesPerSecond).toBeCloseTo(bytesPerSecond, -Math.log10(bytesPerSecond) + 6);
        },
      ),
    );
  });

  it('stays between the rates that it has seen', () => {
    const reading = fc.record({
      spanMs: fc.integer({ min: 1, max: 5_000 }),
      bytes: fc.integer({ min: 0, max: 1e8 }),
    });
    fc.assert(
      fc.property(fc.array(reading, { minLength: 1, maxLength: 50 }), (readings) => {
        let rate = START;
        let [atMs, movedBytes, fastest] = [0, 0, 0];
        for (const { spanMs, bytes } of readings) {
          atMs += spanMs;
          movedBytes += bytes;
          const before = rate;
          rate = nextRate(rate, atMs, movedBytes);
          if (rate !== before)
            fastest = Math.max(fastest, ((movedBytes - before.movedBytes) / (atMs - before.atMs)) * 1_000);
          expect(rate.bytesPerSecond).toBeGreaterThanOrEqual(0);
          expect(rate.bytesPerSecond).toBeLessThanOrEqual(fastest * 1.000_001);
        }
      }),
    );
  });

  it('does not listen to readings that are closer together than timers can tell', () => {
    expect(nextRate(START, 99, 1e9)).toBe(START);
  });

  it('follows a change within some seconds', () => {
    const slow = nextRate(nextRate(START, 1_000, 1e6), 9_000, 1e6 + 8e3);
    expect(slow.bytesPerSecond).toBeLessThan(0.2e6);
  });
});
