import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFileResumeStore, createUploader, type UploadEncryption } from '@longhaul/sdk';
import { type Backend, startBackend } from './support/backend.ts';
import { hashOfFile, writeRandomFile } from './support/files.ts';
import { MEMORIES } from './support/memories.ts';
import { CEPH_TLS, CEPH_VERSIONED, MINIO, STORES, type StoreKind } from './support/stores.ts';

const MIB = 1024 ** 2;
const [memory] = MEMORIES;
const [local] = STORES;

function world(store: StoreKind, settings = {}) {
  let backend: Backend;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-e2e-'));
    backend = await startBackend(store, memory!, settings);
  });
  afterAll(async () => {
    await backend.close();
    await rm(folder, { recursive: true });
  });
  return {
    backend: () => backend,
    async file(name: string, sizeBytes: number): Promise<string> {
      const path = join(folder, name);
      await writeRandomFile(path, sizeBytes);
      return path;
    },
    uploader: (options = {}) =>
      createUploader({ coordinator: backend.url, partSizeBytes: 5 * MIB, ...options }),
    folder: () => folder,
  };
}

// Each with the keys of its own: a key service of the tests has this one.
const MANAGED: readonly (readonly [StoreKind, UploadEncryption, string | undefined])[] = [
  [local!, { mode: 'sse-s3' }, undefined],
  [local!, { mode: 'sse-kms' }, undefined],
  [MINIO, { mode: 'sse-s3' }, undefined],
  [MINIO, { mode: 'sse-kms' }, process.env['LONGHAUL_TEST_MINIO_KMS_KEY_ID']],
  [CEPH_TLS, { mode: 'sse-kms' }, process.env['LONGHAUL_TEST_CEPH_KMS_KEY_ID']],
];

for (const [store, encryption, defaultKmsKeyId] of MANAGED) {
  const title = `${encryption.mode} on ${store.name}${store.missing ? ` (${store.missing})` : ''}`;
  describe.skipIf(store.missing)(title, () => {
    const settings = { encryption: defaultKmsKeyId === undefined ? {} : { defaultKmsKeyId } };
    const { backend, file, uploader } = world(store, settings);

    it.each([
      ['in parts', 12 * MIB],
      ['in one PUT', 300_000],
      ['inside the create call', 1000],
    ])('%s', async (how, sizeBytes) => {
      const path = await file(how, sizeBytes);
      const result = await uploader().upload(path, { encryption }).result;
      expect(result).toMatchObject({ sizeBytes, encryption: { mode: encryption.mode } });
      const head = await backend().store.objectStore.headObject({ key: result.key });
      expect(head).toMatchObject({ encryption: encryption.mode });
      expect(await backend().store.hashOf(result.key)).toBe(await hashOfFile(path));
    });
  });
}

for (const store of [local!, CEPH_TLS, CEPH_VERSIONED, MINIO]) {
  const title = `sse-c on ${store.name}${store.missing ? ` (${store.missing})` : ''}`;
  describe.skipIf(store.missing)(title, () => {
    const { backend, file, uploader, folder } = world(store);
    const key = randomBytes(32);
    const base64 = key.toString('base64');
    const encryption = { mode: 'sse-c', key } as const;

    it.each([
      ['in parts', 12 * MIB],
      ['in one PUT', 300_000],
      ['small', 1000],
      ['empty', 0],
    ])('%s: read back with the key, and with no other', async (how, sizeBytes) => {
      const path = await file(how, sizeBytes);
      const upload = uploader().upload(path, { encryption });
      const result = await upload.result;
      expect(upload.customerKey).toBe(base64);
      expect(result).toMatchObject({ sizeBytes, encryption: { mode: 'sse-c' } });
      expect(result.versionId === undefined).toBe(store !== CEPH_VERSIONED);
      const { hashOf, objectStore } = backend().store;
      expect(await hashOf(result.key, base64)).toBe(await hashOfFile(path));
      // Of an empty object there is nothing to read: MinIO gives it to anybody.
      const wrongKeys = sizeBytes === 0 ? [] : [undefined, randomBytes(32).toString('base64')];
      for (const wrong of wrongKeys) await expect(hashOf(result.key, wrong)).rejects.toThrow();
      expect(await objectStore.listMultipartUploads({ prefix: result.key })).toEqual([]);
    });

    it('makes a key of its own, which the handle tells at once', async () => {
      const path = await file('own key', 6 * MIB);
      const upload = uploader().upload(path, { encryption: { mode: 'sse-c' } });
      expect(Buffer.from(upload.customerKey ?? '', 'base64')).toHaveLength(32);
      const { key: objectKey } = await upload.result;
      expect(await backend().store.hashOf(objectKey, upload.customerKey)).toBe(await hashOfFile(path));
    });

    it('goes on with the key after it was stopped, and with another one begins anew', async () => {
      const path = await file('stopped', 30 * MIB);
      const resumeStore = createFileResumeStore(join(folder(), 'hints'));
      const stop = new AbortController();
      const first = uploader({ concurrency: 2, maxBytesPerSecond: 30 * MIB, resumeStore }).upload(path, {
        encryption,
        signal: stop.signal,
      });
      let storedCount = 0;
      first.on('part', ({ isStored }) => {
        if (isStored && ++storedCount === 3) stop.abort(new Error('enough'));
      });
      await expect(first.result).rejects.toThrow('enough');
      for (const name of await readdir(join(folder(), 'hints'))) {
        const hint = await readFile(join(folder(), 'hints', name), 'utf8');
        expect(hint).not.toContain(base64);
      }

      const other = uploader().upload(path, { encryption: { mode: 'sse-c' } });
      const otherResult = await other.result;
      expect(other.state).toMatchObject({ upload: { resumedParts: 0 } });
      expect(otherResult.uploadId).not.toBe(first.uploadId);

      const second = uploader({ resumeStore }).upload(path, { encryption });
      const result = await second.result;
      expect(result.uploadId).toBe(first.uploadId);
      expect(second.state).toMatchObject({
        upload: { resumedParts: expect.toSatisfy((n: number) => n >= 2 && n < 6) },
      });
      expect(await backend().store.hashOf(result.key, base64)).toBe(await hashOfFile(path));
    });

    it('refuses to go on without the key, or with another, where the upload was remembered', async () => {
      const path = await file('remembered', 6 * MIB);
      const customerKeyMd5 = createHash('md5').update(key).digest('base64');
      for (const wrong of [
        { mode: 'sse-c', customerKeyMd5 },
        { mode: 'sse-c', customerKeyMd5, key: randomBytes(32) },
      ] as const)
        await expect(uploader().upload(path, { encryption: wrong }).result).rejects.toMatchObject({
          code: 'KEY_UNUSABLE',
        });
      await expect(
        uploader().upload(path, { encryption: { mode: 'sse-c', key: 'too short' } }).result,
      ).rejects.toThrow(TypeError);
    });

    it('of a stream, whose size nobody knows', async () => {
      const content = randomBytes(11 * MIB);
      const stream = new Blob([content]).stream();
      const { key: objectKey } = await uploader().upload(stream, { encryption }).result;
      const hash = createHash('sha256').update(content).digest('hex');
      expect(await backend().store.hashOf(objectKey, base64)).toBe(hash);
    });

    it('cancelled, leaves nothing open', async () => {
      const path = await file('cancelled', 30 * MIB);
      const upload = uploader({ maxBytesPerSecond: 20 * MIB }).upload(path, { encryption });
      await new Promise<void>((resolve) =>
        upload.on('progress', ({ sentBytes }) => sentBytes > 5 * MIB && resolve()),
      );
      upload.result.catch(() => undefined);
      expect(await upload.cancel()).toBe('cancelled');
      const prefix = `connectors/default/${upload.uploadId}`;
      await expect
        .poll(() => backend().store.objectStore.listMultipartUploads({ prefix }), { timeout: 10_000 })
        .toEqual([]);
    });
  });
}
