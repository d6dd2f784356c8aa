import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRateLimiter } from '../../src/lib/platform/node/rate-limiter.ts';

describe('the rate limiter', () => {
  it('lets no more pass than the rate allows, and no less when everybody is waiting', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1_000, max: 1e9 }),
        fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 100 }),
        async (rate, pieces) => {
          const waits: number[] = [];
          const limiter = createRateLimiter(rate, {
            nowMs: () => 0,
            sleep: async (delayMs) => void waits.push(delayMs),
            randomFraction: () => 0,
            randomUuid: () => '',
          });
          const { signal } = new AbortController();
          let sent = 0;
          for (const piece of pieces) {
            await limiter.take(piece, signal);
            sent += piece;
            expect(waits.at(-1) ?? 0).toBeCloseTo((sent / rate) * 1_000, 3);
          }
        },
      ),
    );
  });

  it('catches up only a little after a pause', async () => {
    let nowMs = 0;
    let slept = 0;
    const limiter = createRateLimiter(1_000, {
      nowMs: () => nowMs,
      sleep: async (delayMs) => void (slept = delayMs),
      randomFraction: () => 0,
      randomUuid: () => '',
    });
    nowMs = 60_000;
    await limiter.take(1_000, new AbortController().signal);
    expect(slept).toBe(950);
  });

  it('cuts pieces so small that all connections move within a second', () => {
    for (const rate of [1, 1_000, 40e6]) {
      const { maxPieceBytes } = createRateLimiter(rate, { nowMs: () => 0 } as never);
      expect(maxPieceBytes).toBeGreaterThanOrEqual(1);
      expect(maxPieceBytes).toBeLessThanOrEqual(Math.max(1, rate / 32));
    }
  });
});
