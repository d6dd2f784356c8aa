import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { createUploader } from '@longhaul/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from './support/backend.ts';
import { MEMORIES } from './support/memories.ts';
import { MINIO, STORES } from './support/stores.ts';

const MIB = 1024 ** 2;
const PAIRS = [...STORES, MINIO].flatMap((store) => MEMORIES.map((memory) => ({ store, memory })));

for (const { store, memory } of PAIRS) {
  const missing = [store.missing, memory.missing].filter((reason) => reason !== undefined).join(', ');
  const title = `streams to ${store.name}, remembered in ${memory.name}${missing && ` (${missing})`}`;

  describe.skipIf(missing !== '')(title, () => {
    let backend: Backend;
    beforeAll(async () => {
      // Parts double after two of them.
      backend = await startBackend(store, memory, { maxChunks: 20 });
    });
    afterAll(() => backend.close());

    const upload = (bytes: Uint8Array, options = {}) =>
      createUploader({ coordinator: backend.url, partSizeBytes: 5 * MIB }).upload(
        Readable.from([bytes]),
        options,
      );
    const isOpen = async (uploadId: string | undefined): Promise<boolean> => {
      const prefix = `connectors/default/${uploadId}`;
      return (await backend.store.objectStore.listMultipartUploads({ prefix })).length > 0;
    };

    it.each([
      ['one part', 4 * MIB, 1],
      ['equal parts', 10 * MIB, 2],
      ['parts that double', 38 * MIB + 1, 5],
    ])('%s', async (_what, sizeBytes, partCount) => {
      const bytes = randomBytes(sizeBytes);
      const { key, ...result } = await upload(bytes).result;
      expect(result).toMatchObject({ sizeBytes, partCount });
      expect(await backend.store.hashOf(key)).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(await isOpen(result.uploadId)).toBe(false);
    });

    it('leaves nothing of one that ends before its expected size', async () => {
      const { result, ...handle } = upload(randomBytes(11 * MIB), { expectedSizeBytes: 12 * MIB });
      const ids = new Set<string>();
      handle.on('state', (state) => state.upload && ids.add(state.upload.uploadId));
      await expect(result).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
      const [uploadId] = ids;
      await expect.poll(() => isOpen(uploadId), { timeout: 10_000 }).toBe(false);
      expect(
        await backend.store.objectStore.headObject({ key: `connectors/default/${uploadId}` }),
      ).toBeUndefined();
    });
  });
}
