import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CallLimiter } from '../ports/call-limiter.ts';

/** A limiter for one run of {@link describeCallLimiter}. */
export interface CallLimiterFixture {
  readonly limiter: CallLimiter;
  /** Lets its clock go on. */
  pass(timeMs: number): Promise<void>;
  /** Lets go of what it counts in. */
  dispose(): Promise<void>;
}

/**
 * What every limiter of calls must do. Run it against an adapter of your own from a vitest file.
 *
 * @param name what the report calls the adapter
 * @example describeCallLimiter('Redis', () => createRedisFixture(url));
 */
export function describeCallLimiter(name: string, setUp: () => Promise<CallLimiterFixture>): void {
  describe(`call limiter contract: ${name}`, () => {
    let fixture: CallLimiterFixture;
    let limiter: CallLimiter;
    beforeAll(async () => {
      fixture = await setUp();
      limiter = fixture.limiter;
    });
    afterAll(() => fixture.dispose());

    it('lets pass the calls of a minute at once, and says how long to wait for more', async () => {
      const bucket = randomUUID();
      for (let calls = 0; calls < 6; calls += 1) expect(await limiter.take(bucket, 1, 6)).toBe(0);
      const waitMs = await limiter.take(bucket, 1, 6);
      expect(waitMs).toBeGreaterThan(7_000);
      expect(waitMs).toBeLessThanOrEqual(10_000);
    });

    it('takes nothing when it refuses', async () => {
      const bucket = randomUUID();
      expect(await limiter.take(bucket, 5, 6)).toBe(0);
      expect(await limiter.take(bucket, 2, 6)).toBeGreaterThan(0);
      expect(await limiter.take(bucket, 1, 6)).toBe(0);
    });

    it('fills up again evenly', async () => {
      const bucket = randomUUID();
      expect(await limiter.take(bucket, 60, 600)).toBe(0);
      expect(await limiter.take(bucket, 600, 600)).toBeGreaterThan(0);
      expect(await limiter.take(bucket, 540, 600)).toBe(0);
      await fixture.pass(500);
      expect(await limiter.take(bucket, 4, 600)).toBe(0);
      expect(await limiter.take(bucket, 600, 600)).toBeGreaterThan(50_000);
    });

    it('takes more calls than a bucket holds for all that it holds', async () => {
      const bucket = randomUUID();
      expect(await limiter.take(bucket, 100, 6)).toBe(0);
      expect(await limiter.take(bucket, 1, 6)).toBeGreaterThan(0);
    });

    it('keeps buckets apart', async () => {
      const [one, other] = [randomUUID(), randomUUID()];
      expect(await limiter.take(one, 6, 6)).toBe(0);
      expect(await limiter.take(other, 6, 6)).toBe(0);
    });

    it('lets pass as many of those who come together as of those who come one by one', async () => {
      const bucket = randomUUID();
      const waits = await Promise.all(Array.from({ length: 20 }, () => limiter.take(bucket, 1, 6)));
      expect(waits.filter((waitMs) => waitMs === 0)).toHaveLength(6);
    });
  });
}
