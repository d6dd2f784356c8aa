import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { type Backend, startBackend } from './support/backend.ts';
import { hashOfFile, writeRandomFile, writeSparseFile } from './support/files.ts';
import { MEMORIES } from './support/memories.ts';
import { MINIO, STORES } from './support/stores.ts';

const MIB = 1024 ** 2;
const PAIRS = [...STORES, MINIO].flatMap((store) => MEMORIES.map((memory) => ({ store, memory })));

for (const { store, memory } of PAIRS) {
  const missing = [store.missing, memory.missing].filter((reason) => reason !== undefined).join(', ');
  const title = `whole uploads to ${store.name}, remembered in ${memory.name}${missing && ` (${missing})`}`;

  describe.skipIf(missing !== '')(title, () => {
    let backend: Backend;
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'longhaul-e2e-'));
      backend = await startBackend(store, memory);
    });
    afterAll(async () => {
      await backend.close();
      await rm(folder, { recursive: true });
    });

    async function uploadAndCompare(path: string, options = {}): Promise<{ partCount: number; key: string }> {
      const uploader = createUploader({
        coordinator: backend.url,
        inlineMaxBytes: 0,
        partSizeBytes: 5 * MIB,
        ...options,
      });
      const result = await uploader.upload(path).result;
      expect(await backend.store.hashOf(result.key)).toBe(await hashOfFile(path));
      return result;
    }

    it.each([
      ['0 B', 0, 1],
      ['1 B', 1, 1],
      ['5 MiB − 1', 5 * MIB - 1, 1],
      ['exactly three parts', 15 * MIB, 3],
      ['three parts and a byte', 15 * MIB + 1, 4],
    ])('%s', async (name, sizeBytes, partCount) => {
      const path = join(folder, name);
      await writeRandomFile(path, sizeBytes);
      const { key, ...result } = await uploadAndCompare(path);
      expect(result).toMatchObject({ sizeBytes, partCount });
      expect(await backend.store.objectStore.listMultipartUploads({ prefix: key })).toEqual([]);
    });

    it('inside the create call', async () => {
      const path = join(folder, 'inline');
      await writeRandomFile(path, 1000);
      await uploadAndCompare(path, { inlineMaxBytes: 1000 });
    });

    it('zeros, of which all parts have one ETag', async () => {
      const path = join(folder, 'zeros');
      await writeSparseFile(path, 22 * MIB);
      expect(await uploadAndCompare(path)).toMatchObject({ sizeBytes: 22 * MIB, partCount: 5 });
    });

    it('goes on after it was stopped, from another uploader', async () => {
      const path = join(folder, 'stopped');
      await writeRandomFile(path, 50 * MIB);
      const stop = new AbortController();
      const first = createUploader({ coordinator: backend.url, partSizeBytes: 5 * MIB, concurrency: 1 });
      const upload = first.upload(path, { signal: stop.signal });
      let storedCount = 0;
      upload.on('part', ({ isStored }) => {
        if (isStored && ++storedCount === 4) stop.abort(new Error('enough'));
      });
      await expect(upload.result).rejects.toThrow('enough');

      const second = createUploader({ coordinator: backend.url }).upload(path);
      const result = await second.result;
      expect(second.state).toMatchObject({
        kind: 'completed',
        upload: { resumedParts: expect.toSatisfy((n: number) => n >= 3 && n < 10) },
      });
      expect(result.uploadId).toBe(upload.uploadId);
      expect(await backend.store.hashOf(result.key)).toBe(await hashOfFile(path));
    });

    it('from two places at once, as one object', async () => {
      const path = join(folder, 'twice');
      await writeRandomFile(path, 30 * MIB);
      const uploads = [1, 2].map(() => createUploader({ coordinator: backend.url }).upload(path).result);
      const [one, two] = await Promise.all(uploads);
      expect(one).toEqual(two);
      expect(await backend.store.hashOf(one!.key)).toBe(await hashOfFile(path));
    });

    it('cancelled, leaves nothing open', async () => {
      const path = join(folder, 'cancelled');
      await writeRandomFile(path, 50 * MIB);
      const upload = createUploader({ coordinator: backend.url, maxBytesPerSecond: 20 * MIB }).upload(path);
      await new Promise<void>((resolve) =>
        upload.on('progress', ({ sentBytes }) => sentBytes > 5 * MIB && resolve()),
      );
      upload.result.catch(() => undefined);
      const prefix = `connectors/default/${upload.uploadId}`;
      expect(await backend.store.objectStore.listMultipartUploads({ prefix })).toHaveLength(1);
      expect(await upload.cancel()).toBe('cancelled');
      await expect(upload.result).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect
        .poll(() => backend.store.objectStore.listMultipartUploads({ prefix }), { timeout: 10_000 })
        .toEqual([]);
    });
  });
}
