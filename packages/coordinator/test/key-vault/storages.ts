import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Cluster, Redis } from 'ioredis';
import type { KeyVaultFixture } from '../../src/lib/testing/key-vault.contract.ts';
import { createRedisSealedKeys } from '../../src/redis.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

type Storage = Pick<KeyVaultFixture, 'storage' | 'dump' | 'dispose'>;

/** Sealed keys in a file of their own, which is dumped with all that SQLite keeps beside it. */
export async function sqliteStorage(): Promise<Storage> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-keys-'));
  const path = join(folder, 'keys.sqlite');
  const { catalog, sealedKeys } = createSqliteStore({ path });
  await catalog.migrate();
  return {
    storage: sealedKeys,
    async dump() {
      const files = await Promise.all([path, `${path}-wal`].map((file) => readFile(file, 'latin1')));
      return files.join('\n');
    },
    async dispose() {
      await catalog.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** Sealed keys in a Redis that others use, too; all texts in it are dumped. */
export async function redisStorage(connect: () => Redis | Cluster): Promise<Storage> {
  const redis = connect();
  const masters = (): readonly Redis[] => ('nodes' in redis ? redis.nodes('master') : [redis]);
  return {
    storage: createRedisSealedKeys({ redis }),
    async dump() {
      const texts = await Promise.all(masters().map(textsOf));
      return texts.join('\n');
    },
    async dispose() {
      await redis.quit();
    },
  };
}

async function textsOf(node: Redis): Promise<string> {
  const lines: string[] = [];
  for await (const keys of node.scanStream({ count: 1000, type: 'string' })) {
    for (const key of keys as string[])
      lines.push(`${key} ${(await node.getBuffer(key))?.toString('latin1')}`);
  }
  return lines.join('\n');
}
