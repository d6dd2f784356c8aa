import type { Cluster, Redis } from 'ioredis';
import type { StateStoreFixture } from '../../src/lib/testing/state-store.contract.ts';
import { createRedisState } from '../../src/redis.ts';

/** A state store over a connection of its own, and a second connection that looks at what it wrote. */
export async function redisFixture(connect: () => Redis | Cluster): Promise<StateStoreFixture> {
  const observer = connect();
  const ttlSeconds = 500;
  const keysOf = (uploadId: string): string[] => [`upload:{${uploadId}}:state`, `upload:{${uploadId}}:etags`];
  return {
    store: createRedisState({ redis: connect(), ttlSeconds }),
    life: {
      ttlSeconds,
      remainingSeconds: (uploadId) => Promise.all(keysOf(uploadId).map((key) => observer.ttl(key))),
      async shorten(uploadId, seconds) {
        for (const key of keysOf(uploadId)) await observer.expire(key, seconds);
      },
    },
    async dispose() {
      await observer.quit();
    },
  };
}
