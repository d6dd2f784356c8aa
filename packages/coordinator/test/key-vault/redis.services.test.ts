import { Cluster, Redis } from 'ioredis';
import { describe } from 'vitest';
import { describeKeyVault } from '../../src/lib/testing/key-vault.contract.ts';
import { envelopeSealers } from './envelope-fixture.ts';
import { redisStorage } from './storages.ts';

const url = process.env['LONGHAUL_TEST_REDIS_URL'] ?? '';
const addresses = process.env['LONGHAUL_TEST_REDIS_CLUSTER'] ?? '';

describe.skipIf(!url)('Redis (needs LONGHAUL_TEST_REDIS_URL)', () => {
  describeKeyVault('envelope in Redis', async () => ({
    ...envelopeSealers(),
    ...(await redisStorage(() => new Redis(url))),
  }));
});

describe.skipIf(!addresses)('Redis Cluster (needs LONGHAUL_TEST_REDIS_CLUSTER)', () => {
  const nodes = addresses.split(',').map((address) => `redis://${address}`);
  describeKeyVault('envelope in Redis Cluster', async () => ({
    ...envelopeSealers(),
    ...(await redisStorage(() => new Cluster(nodes))),
  }));
});
