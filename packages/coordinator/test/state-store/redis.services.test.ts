import { Redis } from 'ioredis';
import { describe } from 'vitest';
import { describeStateStore } from '../../src/lib/testing/state-store.contract.ts';
import { describeRedisKeys } from './redis-keys.ts';
import { redisFixture } from './redis-fixture.ts';

const url = process.env['LONGHAUL_TEST_REDIS_URL'] ?? '';

describe.skipIf(!url)('Redis (needs LONGHAUL_TEST_REDIS_URL)', () => {
  describeStateStore('Redis', () => redisFixture(() => new Redis(url)));
  describeRedisKeys(() => new Redis(url));
});
