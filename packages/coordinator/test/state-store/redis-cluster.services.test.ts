import { Cluster } from 'ioredis';
import { describe } from 'vitest';
import { describeStateStore } from '../../src/lib/testing/state-store.contract.ts';
import { describeRedisKeys } from './redis-keys.ts';
import { redisFixture } from './redis-fixture.ts';

const addresses = process.env['LONGHAUL_TEST_REDIS_CLUSTER'] ?? '';

describe.skipIf(!addresses)('Redis Cluster (needs LONGHAUL_TEST_REDIS_CLUSTER)', () => {
  const connect = (): Cluster => new Cluster(addresses.split(',').map((address) => `redis://${address}`));
  describeStateStore('Redis Cluster', () => redisFixture(connect));
  describeRedisKeys(connect);
});
