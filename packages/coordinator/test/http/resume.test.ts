import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateUploadRequest } from '@longhaul/protocol';
import { digestedParts, grantOf, sendDigested } from '../support/digests.ts';
import { put, sendParts, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
const FINGERPRINT = 'a'.repeat(64);
const file = {
  name: 'film.mkv',
  sizeBytes: 11 * MIB,
  partSizeBytes: 5 * MIB,
  fingerprint: FINGERPRINT,
  mode: 'multipart',
} as const;

let coordinator: TestCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.close());

describe('create again', () => {
  it('answers the same upload to the same createId, whatever became of the first answer', async () => {
    const request = { ...file, createId: randomUUID(), fingerprint: FINGERPRINT };
    const first = await coordinator.create(request);
    const again = await coordinator.create(request);
    expect(again).toMatchObject({ uploadId: first.uploadId, resumed: true });
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toHaveLength(1);
    await coordinator.cancel(again);
    expect(await coordinator.create(request)).toMatchObject({
      uploadId: first.uploadId,
      state: 'CANCELLED',
      grants: [],
    });
  });

  it('refuses a createId that was used for another file', async () => {
    const createId = randomUUID();
    const first = await coordinator.create({ createId, name: 'one' });
    const body = { createId, name: 'two', sizeBytes: 1 };
    const conflict = await coordinator.call('POST', '/v1/uploads', { body });
    expect(conflict).toMatchObject({
      status: 409,
      problem: { code: 'create-conflict', uploadId: first.uploadId },
    });
  });

  it('opens at the store what an earlier create could not', async () => {
    let isDown = true;
    const flaky = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        createMultipartUpload: async (input) => {
          if (isDown) throw new Error('the store is down');
          return await store.createMultipartUpload(input);
        },
      }),
    });
    const body = { ...file, createId: randomUUID() };
    expect(await flaky.call('POST', '/v1/uploads', { body })).toMatchObject({
      status: 500,
      problem: { code: 'internal-error' },
    });
    isDown = false;
    expect(await flaky.create(body)).toMatchObject({ state: 'UPLOADING', resumed: true });
    await flaky.close();
  });
});

describe('resume by fingerprint', () => {
  it('goes on with the parts that were reported, and with those that landed unreported', async () => {
    const content = randomBytes(11 * MIB);
    const first = await coordinator.create(file);
    await sendParts(coordinator, first, content, first.grants.slice(0, 1));
    await put(first.grants[2]!, content.subarray(10 * MIB));
    const again = await coordinator.create(file);
    expect(again).toMatchObject({
      uploadId: first.uploadId,
      resumed: true,
      receivedParts: [
        { partNumber: 1, sizeBytes: 5 * MIB },
        { partNumber: 3, sizeBytes: MIB },
      ],
    });
    expect(again.grants.map((grant) => grant.partNumber)).toEqual([2]);
    await sendParts(coordinator, again, content, again.grants);
    expect((await coordinator.complete(again)).status).toBe(200);
    expect((await coordinator.create(file)).uploadId).not.toBe(first.uploadId);
  });

  it('lists the parts once, whatever it is asked of them', async () => {
    let listings = 0;
    const counting = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        listParts: async (ref) => {
          listings++;
          return await store.listParts(ref);
        },
      }),
    });
    const content = randomBytes(file.sizeBytes);
    const digested = { ...file, checksums: ['CRC32'] } as const;
    const upload = await counting.create(digested);
    const [first, second] = digestedParts(upload, content);
    if (!first || !second) throw new Error('there are no parts');
    await sendDigested(counting, upload, first);
    await put(await grantOf(counting, upload, second), second.bytes);
    listings = 0;
    expect(await counting.create(digested)).toMatchObject({
      uploadId: upload.uploadId,
      receivedParts: [first, second].map(({ partNumber, checksum }) => ({ partNumber, checksum })),
    });
    expect(listings).toBe(1);
    await counting.close();
  });

  const others: [string, Partial<CreateUploadRequest>][] = [
    ['connector', { connectorId: 'other' }],
    ['content type', { contentType: 'video/webm' }],
    ['fingerprint', { fingerprint: 'b'.repeat(64) }],
    ['size', { sizeBytes: 12 * MIB }],
    ['mind about resuming', { resume: false }],
  ];
  it.each(others)('begins anew with another %s', async (_what, other) => {
    const first = await coordinator.create(file);
    const second = await coordinator.create({ ...file, ...other });
    expect(second).toMatchObject({ resumed: false });
    expect(second.uploadId).not.toBe(first.uploadId);
  });

  it('sends again what was not reported, where the listing may show a part that was cut', async () => {
    const cutting = await startCoordinator({
      wrapStore: (store) => ({ ...store, profile: { ...store.profile, refusesCutBodies: false } }),
    });
    const content = randomBytes(file.sizeBytes);
    const upload = await cutting.create(file);
    const [unreported, reported] = upload.grants;
    if (!unreported || !reported) throw new Error('there are no grants');
    await put(unreported, content.subarray(0, 5 * MIB));
    await sendParts(cutting, upload, content, [reported]);
    const again = await cutting.create(file);
    expect(again).toMatchObject({ uploadId: upload.uploadId, resumed: true });
    expect(again.receivedParts).toEqual([{ partNumber: 2, sizeBytes: 5 * MIB }]);
    expect(again.grants.map(({ partNumber }) => partNumber)).toEqual([1, 3]);
    await cutting.close();
  });

  it('begins anew with another encryption, or another key', async () => {
    const encrypting = await startCoordinator({
      encryption: { kmsKeyIds: ['one', 'two'] },
      // What is asked here is which upload the coordinator takes, not what a store makes of it.
      wrapStore: (store) => ({
        ...store,
        profile: { ...store.profile, encryption: ['sse-s3', 'sse-kms', 'sse-c'], ssecBlind: true },
        createMultipartUpload: ({ encryption: _ignored, ...input }) => store.createMultipartUpload(input),
      }),
    });
    const asked = [
      {},
      { encryption: { mode: 'sse-s3' } },
      { encryption: { mode: 'sse-kms', kmsKeyId: 'one' } },
      { encryption: { mode: 'sse-kms', kmsKeyId: 'two' } },
      { encryption: { mode: 'sse-c', customerKeyMd5: 'AAAAAAAAAAAAAAAAAAAAAA==' } },
      { encryption: { mode: 'sse-c', customerKeyMd5: 'BBBBBBBBBBBBBBBBBBBBBA==' } },
    ] as const;
    const create = async () => {
      const uploads = [];
      for (const encryption of asked)
        uploads.push((await encrypting.create({ ...file, ...encryption })).uploadId);
      return uploads;
    };
    const first = await create();
    expect(new Set(first).size).toBe(asked.length);
    expect(await create()).toEqual(first);
    await encrypting.close();
  });

  it('never hands an upload to another owner', async () => {
    const shared = await startCoordinator({
      authorize: (request) => request.headers.get('x-user') ?? undefined,
    });
    const body = { ...file, createId: randomUUID() };
    const of = async (user: string) =>
      (await shared.call<{ uploadId: string }>('POST', '/v1/uploads', { body, headers: { 'x-user': user } }))
        .answer;
    expect((await of('ann')).uploadId).not.toBe((await of('bob')).uploadId);
    expect(await shared.call('POST', '/v1/uploads', { body })).toMatchObject({
      status: 401,
      problem: { code: 'unauthorized' },
    });
    await shared.close();
  });

  it('makes one upload of two creates at once', async () => {
    const [one, two] = await Promise.all([coordinator.create(file), coordinator.create(file)]);
    expect(one.uploadId).toBe(two.uploadId);
    const open = await coordinator.objectStore.listMultipartUploads({ prefix: '' });
    expect(open).toHaveLength(1);
    expect(new URL(one.grants[0]!.url).searchParams.get('uploadId')).toBe(open[0]?.s3UploadId);
    expect(new URL(two.grants[0]!.url).searchParams.get('uploadId')).toBe(open[0]?.s3UploadId);
  });
});

describe('names', () => {
  it.each([
    ['Unicode', 'Füße 東京 🎬.mkv'],
    ['quotes', `"it's" <b>.bin`],
    ['CR/LF', 'a\r\nx-amz-acl: public-read\r\n.bin'],
    ['a path', '../../etc/passwd'],
    ['1,000 characters', '長'.repeat(1000)],
  ])('keeps a name with %s out of the key and inside the metadata', async (_what, name) => {
    const upload = await coordinator.create({ name, sizeBytes: 3 });
    await put(upload.grants[0]!, Buffer.from('abc'));
    const { answer } = await coordinator.complete(upload);
    const key = `connectors/default/${upload.uploadId}`;
    expect(answer).toMatchObject({ state: 'COMPLETED', result: { key } });
    const metadata = (await coordinator.objectStore.headObject({ key }))!.metadata;
    expect(metadata).toMatchObject({ 'node-id': upload.uploadId, 'connector-id': 'default' });
    expect(name.toWellFormed().startsWith(decodeURIComponent(metadata['original-name']!))).toBe(true);
    expect(metadata['original-name']!.length).toBeGreaterThan(8);
    expect(Object.entries(metadata).join('').length).toBeLessThanOrEqual(2048);
  });
});
