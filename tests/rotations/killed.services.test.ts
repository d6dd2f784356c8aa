/** Rotations by real replicas that share what they remember: two at once, and one that dies over it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { createUploader } from '@longhaul/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, MEMORIES, type TestDatabase } from '../e2e/support/memories.ts';
import { CEPH_TLS, MINIO, type StoreKind, type TestStore } from '../e2e/support/stores.ts';
import type { CoordinatorProcess } from '../processes/serve-coordinator.ts';
import { startReplica, tlsUrlOf } from './support/replica.ts';
import { askRotation, newKey, readRotation } from './support/rotate.ts';
import { type StoreProxy, startStoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const PART_BYTES = 5 * MIB;
const PART_COUNT = 4;
const SIZE_BYTES = PART_COUNT * PART_BYTES - 1000;
const [, servers] = MEMORIES;

const TURNS = [
  { server: 'CEPH', kind: CEPH_TLS, isKeyed: false },
  { server: 'MINIO', kind: MINIO, isKeyed: true },
] as const satisfies readonly { server: string; kind: StoreKind; isKeyed: boolean }[];

for (const { server, kind, isKeyed } of TURNS) {
  const missing = [kind.missing, servers!.missing].filter((reason) => reason !== undefined).join(', ');
  const title = `replicas that rotate on ${kind.name} ${missing && `(${missing})`}`;

  describe.skipIf(missing !== '')(title, () => {
    let folder: string;
    let store: TestStore;
    let database: TestDatabase;
    let proxy: StoreProxy;
    let replicas: CoordinatorProcess[];
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'longhaul-rotations-'));
      [store, database, proxy] = await Promise.all([
        kind.open(),
        createDatabase(),
        startStoreProxy(tlsUrlOf(server)),
      ]);
      const memory = {
        LONGHAUL_DATABASE_URL: database.url,
        LONGHAUL_REDIS_URL: process.env['LONGHAUL_TEST_REDIS_URL'] ?? '',
      };
      const masterKeys = `test:${randomBytes(32).toString('base64')}`;
      const ground = { server, store, storeUrl: proxy.url, memory, masterKeys, folder };
      const start = () => startReplica({ ...ground, maxCopySizeBytes: PART_BYTES });
      // The first one brings the schema up to date.
      replicas = [await start()];
      replicas.push(...(await Promise.all([start(), start()])));
    });
    afterAll(async () => {
      await Promise.all(replicas.map((replica) => replica.kill()));
      await Promise.all([proxy.close(), database.drop(), store.close()]);
      await rm(folder, { recursive: true });
    });

    it('let one of two rotations win, and end it when its replica is killed, copying no part twice', async () => {
      const [old, ...rivals] = [newKey(), newKey(), newKey()];
      const content = randomBytes(SIZE_BYTES);
      const sha256 = createHash('sha256').update(content).digest('hex');
      const { uploadId: nodeId, key } = await createUploader({ coordinator: replicas[0]!.url }).upload(
        new Blob([content]),
        isKeyed ? { encryption: { mode: 'sse-c', key: old.base64 } } : {},
      ).result;

      // Two parts are copied, the others are on their way when the process dies.
      proxy.beforeCopy = ({ partNumber }) => (partNumber > 2 ? new Promise(() => {}) : Promise.resolve());
      const bytesBefore = proxy.bytes;
      const answers = await Promise.all(
        rivals.map(({ wish }, index) =>
          askRotation(replicas[index]!.url, nodeId, {
            encryption: wish,
            ...(isKeyed && { oldCustomerKey: old.base64 }),
          }),
        ),
      );
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 409]));
      const winner = answers.findIndex(({ status }) => status === 202);
      expect(answers[1 - winner]).toMatchObject({ answer: { code: 'rotation-open' } });
      await expect.poll(() => proxy.copies.filter(({ status }) => status === 200).length).toBe(2);
      expect(proxy.copies).toHaveLength(PART_COUNT);
      await replicas[winner]!.kill();

      delete proxy.beforeCopy;
      const survivor = replicas[1 - winner]!;
      expect((await readRotation(survivor.url, nodeId)).answer).toMatchObject({ state: 'COPYING' });
      // A minute without a word of its driver.
      await database.sql`update rotations set claimed_until = clock_timestamp(), next_attempt_at = clock_timestamp()`;
      await expect
        .poll(async () => (await readRotation(survivor.url, nodeId)).answer.state, { timeout: 30_000 })
        .toBe('DONE');
      const again = proxy.copies.slice(PART_COUNT).map(({ partNumber }) => partNumber);
      expect(again.toSorted((one, other) => one - other)).toEqual([3, 4]);
      expect(proxy.bytes - bytesBefore).toBeLessThan(SIZE_BYTES / 20);

      const newObject = `${key}.1`;
      expect(await store.hashOf(newObject, rivals[winner]!.base64)).toBe(sha256);
      for (const wrong of [rivals[1 - winner]!.base64, old.base64, undefined])
        await expect(store.hashOf(newObject, wrong)).rejects.toThrow();
      expect(await store.objectStore.findListed({ key })).toBeUndefined();
      expect(await store.objectStore.listMultipartUploads({ prefix: newObject })).toEqual([]);

      // Whoever has lost asks again, with a key that is not the object's any more, or without one.
      const late = await askRotation(survivor.url, nodeId, {
        encryption: rivals[1 - winner]!.wish,
        ...(isKeyed && { oldCustomerKey: old.base64 }),
      });
      const code = isKeyed ? 'customer-key-mismatch' : 'rotation-unsupported';
      expect(late).toMatchObject({ status: 400, answer: { code } });
    });
  });
}
