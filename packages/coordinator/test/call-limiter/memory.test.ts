import { expect, it } from 'vitest';
import { createMemoryCallLimiter } from '../../src/lib/http/memory-call-limiter.ts';
import { describeCallLimiter } from '../../src/lib/testing/call-limiter.contract.ts';
import { createMovingClock } from '../support/moving-clock.ts';

describeCallLimiter('memory', async () => {
  const clock = createMovingClock();
  return {
    limiter: createMemoryCallLimiter(clock.nowEpochMs),
    pass: async (timeMs) => clock.pass(timeMs / 1000),
    dispose: async () => undefined,
  };
});

it('forgets those who have not called for a while, however many they are', async () => {
  const clock = createMovingClock();
  const fullAt = new Map<string, number>();
  const limiter = createMemoryCallLimiter(clock.nowEpochMs, fullAt);
  for (let round = 0; round < 3; round += 1) {
    for (let caller = 0; caller < 50_000; caller += 1) await limiter.take(`${round}/${caller}`, 1, 6);
    expect(fullAt.size).toBeLessThanOrEqual(100_000);
    clock.pass(60);
  }
});
