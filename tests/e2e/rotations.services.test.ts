/** Complete uploads get another encryption, asked for by the SDK. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUploader, type Uploader } from '@longhaul/sdk';
import { type Backend, startBackend } from './support/backend.ts';
import { hashOfFile, writeRandomFile } from './support/files.ts';
import { MEMORIES } from './support/memories.ts';
import { CEPH_TLS, MINIO, type StoreKind, STORES } from './support/stores.ts';

const MIB = 1024 ** 2;
const [local] = STORES;

/** Three parts are a copy of 12 MiB here. */
const inParts = (store: StoreKind): StoreKind => ({
  ...store,
  async open(publish) {
    const opened = await store.open(publish);
    const { objectStore } = opened;
    return {
      ...opened,
      objectStore: { ...objectStore, profile: { ...objectStore.profile, maxCopySizeBytes: 5 * MIB } },
    };
  },
});

/** Where it does not encrypt by keys of its own it has a key service. */
const cephKmsKeyId = process.env['LONGHAUL_TEST_CEPH_KMS_KEY_ID'];

for (const store of [local!, MINIO, CEPH_TLS]) {
  const title = `rotations on ${store.name}${store.missing ? ` (${store.missing})` : ''}`;
  describe.skipIf(store.missing)(title, () => {
    let backend: Backend;
    let folder: string;
    let uploader: Uploader<string>;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'longhaul-e2e-'));
      const encryption = cephKmsKeyId === undefined ? {} : { defaultKmsKeyId: cephKmsKeyId };
      backend = await startBackend(inParts(store), MEMORIES[0]!, store === CEPH_TLS ? { encryption } : {});
      uploader = createUploader({ coordinator: backend.url, partSizeBytes: 5 * MIB });
    });
    afterAll(async () => {
      await backend.close();
      await rm(folder, { recursive: true });
    });

    it.each([
      ['of three parts', 12 * MIB],
      ['of one part', 1 * MIB],
    ])('%s: from none to a key, to another, to that of the store', async (how, sizeBytes) => {
      const path = join(folder, how);
      await writeRandomFile(path, sizeBytes);
      const hash = await hashOfFile(path);
      const { hashOf, objectStore } = backend.store;
      const { uploadId, key } = await uploader.upload(path).result;

      const first = uploader.rotate(uploadId, { encryption: { mode: 'sse-c' } });
      const { customerKey: firstKey = '' } = first;
      expect((await first.result).result?.key).toBe(`${key}.1`);
      expect(await hashOf(`${key}.1`, firstKey)).toBe(hash);

      const second = { mode: 'sse-c', key: randomBytes(32) } as const;
      const secondKey = second.key.toString('base64');
      await uploader.rotate(uploadId, { encryption: second, oldKey: firstKey }).result;
      expect(await hashOf(`${key}.2`, secondKey)).toBe(hash);
      for (const wrong of [undefined, firstKey]) await expect(hashOf(`${key}.2`, wrong)).rejects.toThrow();

      const mode = store === CEPH_TLS ? 'sse-kms' : 'sse-s3';
      const third = uploader.rotate(uploadId, { encryption: { mode }, oldKey: second.key });
      expect(await third.result).toMatchObject({ state: 'DONE', encryption: { mode } });
      expect(await hashOf(`${key}.3`)).toBe(hash);
      for (const gone of [key, `${key}.1`, `${key}.2`])
        expect(await objectStore.findListed({ key: gone })).toBeUndefined();
      expect(await objectStore.listMultipartUploads({ prefix: key })).toEqual([]);
    });
  });
}
