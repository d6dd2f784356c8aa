import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { createListenerSink, relay } from '@longhaul/coordinator';
import { createUploader, type UploadResult } from '@longhaul/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from './support/backend.ts';
import { hashOfFile, writeRandomFile } from './support/files.ts';
import { MEMORIES } from './support/memories.ts';
import { CEPH_VERSIONED } from './support/stores.ts';

const MIB = 1024 ** 2;
const { missing } = CEPH_VERSIONED;

describe.skipIf(missing)(`versions${missing ? ` (${missing})` : ''}`, () => {
  let backend: Backend;
  let folder: string;
  let owner: S3Client;
  let bucket: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-versions-'));
    const [memory] = MEMORIES;
    backend = await startBackend(CEPH_VERSIONED, memory!);
    bucket = backend.store.objectStore.bucket;
    owner = new S3Client({
      endpoint: process.env['LONGHAUL_TEST_CEPH_TLS_URL'] ?? '',
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: {
        accessKeyId: process.env['LONGHAUL_TEST_CEPH_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: process.env['LONGHAUL_TEST_CEPH_SECRET_ACCESS_KEY'] ?? '',
      },
    });
    expect(await owner.send(new GetBucketVersioningCommand({ Bucket: bucket }))).toMatchObject({
      Status: 'Enabled',
    });
  });
  afterAll(async () => {
    owner.destroy();
    await backend.close();
    await rm(folder, { recursive: true });
  });

  async function upload(
    name: string,
    sizeBytes: number,
    options = {},
  ): Promise<UploadResult & { path: string }> {
    const path = join(folder, name);
    await writeRandomFile(path, sizeBytes);
    const uploader = createUploader({ coordinator: backend.url, inlineMaxBytes: 0, ...options });
    return { ...(await uploader.upload(path).result), path };
  }

  async function eventOf(uploadId: string): Promise<unknown> {
    const { catalog, state } = backend.memory;
    const seen: { uploadId: string; versionId?: string }[] = [];
    const sinks = [createListenerSink(({ data }) => void seen.push(data))];
    const { objectStore } = backend.store;
    await relay({ catalog, state, objectStore, sinks, tokenKeys: ['a key for tests that is long enough'] });
    return seen.find((data) => data.uploadId === uploadId);
  }

  it.each([
    ['in parts', 12 * MIB, { partSizeBytes: 5 * MIB }],
    ['as one PUT', 1000, {}],
    ['inside the create call', 500, { inlineMaxBytes: 1000 }],
  ])(
    '%s: the same versionId is in the answer, the row, the event and at the store',
    async (name, size, options) => {
      const { uploadId, key, versionId } = await upload(name, size, options);
      expect(versionId).toMatch(/^[\w.-]{10,}$/);
      expect(await backend.memory.catalog.find(uploadId)).toMatchObject({ versionId });
      expect(await eventOf(uploadId)).toMatchObject({ versionId });
      expect(await backend.store.objectStore.headObject({ key })).toMatchObject({
        versionId,
        sizeBytes: size,
      });
    },
  );

  it('what somebody else wrote over is rolled back by the versionId of the catalog', async () => {
    const { uploadId, key, path } = await upload('overwritten', 12 * MIB, { partSizeBytes: 5 * MIB });
    await owner.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'theirs' }));
    const { versionId = '' } = (await backend.memory.catalog.find(uploadId)) ?? {};
    expect(await backend.store.objectStore.headObject({ key })).toMatchObject({ sizeBytes: 6 });
    expect(await backend.store.objectStore.headObject({ key, versionId })).toMatchObject({
      sizeBytes: 12 * MIB,
    });
    // As docs/bucket.md says.
    const CopySource = `${bucket}/${key}?versionId=${versionId}`;
    await owner.send(new CopyObjectCommand({ Bucket: bucket, Key: key, CopySource }));
    expect(await backend.store.hashOf(key)).toBe(await hashOfFile(path));
  });

  it('what somebody else deleted comes back when the marker goes', async () => {
    const { key, path } = await upload('deleted', 12 * MIB, { partSizeBytes: 5 * MIB });
    const { VersionId } = await owner.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
    expect(await backend.store.objectStore.headObject({ key })).toBeUndefined();
    await owner.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId }));
    expect(await backend.store.hashOf(key)).toBe(await hashOfFile(path));
  });
});
