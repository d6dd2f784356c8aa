import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { describeCallLimiter } from '../../src/lib/testing/call-limiter.contract.ts';
import { createRedisCallLimiter } from '../../src/redis.ts';

const url = process.env['LONGHAUL_TEST_REDIS_URL'] ?? '';

describe.skipIf(!url)('Redis (needs LONGHAUL_TEST_REDIS_URL)', () => {
  describeCallLimiter('Redis', async () => {
    const redis = new Redis(url);
    return {
      limiter: createRedisCallLimiter({ redis }),
      pass: (timeMs) => sleep(timeMs),
      dispose: async () => void (await redis.quit()),
    };
  });

  it('keeps a bucket only until it is full again', async () => {
    const redis = new Redis(url);
    await createRedisCallLimiter({ redis }).take('short', 1, 600);
    const leftMs = await redis.pttl('calls:{short}');
    expect(leftMs).toBeGreaterThan(0);
    expect(leftMs).toBeLessThanOrEqual(101);
    await redis.quit();
  });
});

it('says so when Redis is away', async () => {
  const redis = new Redis('redis://127.0.0.1:1', {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: null,
  });
  redis.on('error', () => undefined);
  await expect(createRedisCallLimiter({ redis }).take('x', 1, 1)).rejects.toMatchObject({
    name: 'CallLimiterError',
  });
  redis.disconnect();
});
