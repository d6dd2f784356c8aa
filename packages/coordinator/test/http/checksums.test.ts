import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { ChecksumAlgorithm, CreateUploadRequest, UploadStatus } from '@longhaul/protocol';
import type { ObjectStore, StoreProfile } from '../../src/index.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import { compositeOf, crcOf, digestedParts, grantOf, md5Of, sendDigested } from '../support/digests.ts';
import {
  put,
  sendParts,
  sha256,
  startCoordinator,
  type TestCoordinator,
  type TestOptions,
} from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
const content = randomBytes(12 * MIB + 1);
const ALL: readonly ChecksumAlgorithm[] = ['MD5', 'CRC64NVME', 'CRC32'];
const IN_PARTS: Partial<CreateUploadRequest> = {
  sizeBytes: content.byteLength,
  mode: 'multipart',
  partSizeBytes: 5 * MIB,
  checksums: ALL,
};

let coordinator: TestCoordinator;
afterEach(() => coordinator.close());

async function start(options?: TestOptions): Promise<void> {
  coordinator = await startCoordinator(options);
}

function storeWith(
  profile: Partial<StoreProfile>,
  methods: (store: ObjectStore) => Partial<ObjectStore> = () => ({}),
) {
  return {
    wrapStore: (store: ObjectStore): ObjectStore => ({
      ...store,
      ...methods(store),
      profile: { ...store.profile, ...profile },
    }),
  };
}

it('an inline payload with a wrong checksum that only the store can compute is a mistake of its caller', async () => {
  coordinator = await startCoordinator();
  const body = {
    createId: randomUUID(),
    name: 'x',
    sizeBytes: 1,
    payload: 'eA==',
    checksum: { algorithm: 'CRC64NVME', value: 'AAAAAAAAAAA=' },
  };
  const refused = await coordinator.call('POST', '/v1/uploads', { body });
  expect(refused).toMatchObject({
    status: 400,
    problem: { code: 'payload-mismatch', s3Code: 'BadDigest', detail: expect.stringContaining('CRC64NVME') },
  });
  // It is being ended: nothing is left that counts as open, or that others would resume.
  const again = await coordinator.call('POST', '/v1/uploads', { body });
  expect(again.answer).toMatchObject({ state: expect.stringMatching(/^(ABORTING|CANCELLED)$/) });
});

describe('the digest of parts', () => {
  it.each<[string, Partial<StoreProfile>, readonly ChecksumAlgorithm[], ChecksumAlgorithm | undefined]>([
    ['CRC32 first', {}, ALL, 'CRC32'],
    ['what the store combines', { fullObjectChecksums: ['CRC64NVME'] }, ALL, 'CRC64NVME'],
    ['MD5 where it combines nothing', { fullObjectChecksums: [] }, ALL, 'MD5'],
    ['nothing where it verifies nothing', { fullObjectChecksums: [], contentMd5: false }, ALL, undefined],
    ['what the client can make', {}, ['MD5'], 'MD5'],
    ['nothing for a client that offers none', {}, [], undefined],
  ])('is chosen: %s', async (_what, profile, checksums, checksumAlgorithm) => {
    await start(storeWith(profile));
    const upload = await coordinator.create({ ...IN_PARTS, checksums });
    expect(upload.checksumAlgorithm).toBe(checksumAlgorithm);
    expect(upload.grants).toHaveLength(checksumAlgorithm ? 0 : 3);
  });

  it.each([
    ['that of the list, whose ETags have changed', crcOf(content), 'COMPLETED'],
    ['another', crcOf(Buffer.from('other')), 'COMPLETING'],
    ['not known', undefined, 'COMPLETING'],
  ])('says what an attempt that is driven on may complete; the whole is %s', async (_what, whole, state) => {
    const memory = createSqliteStore({ path: ':memory:' });
    await memory.catalog.migrate();
    await start(memory);
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    const lease = { partsDigest: 'of other ETags', redriveAfterMs: 0 };
    await memory.catalog.beginCompletion(upload.uploadId, lease);
    await memory.catalog.beginCompletion(upload.uploadId, { ...lease, ...(whole && { checksum: whole }) });
    expect((await coordinator.complete(upload)).answer).toMatchObject({ state });
    await memory.catalog.close();
  });

  it('is signed, so that the store takes nothing else, and the whole is compared', async () => {
    await start();
    const upload = await coordinator.create(IN_PARTS);
    const parts = digestedParts(upload, content);
    const damaged = await put(await grantOf(coordinator, upload, parts[0]!), parts[1]!.bytes);
    expect([damaged.status, await damaged.text()]).toEqual([400, expect.stringContaining('BadDigest')]);
    for (const part of parts) await sendDigested(coordinator, upload, part);
    const checksum = crcOf(content);
    expect((await coordinator.complete(upload, { checksum })).answer).toMatchObject({
      state: 'COMPLETED',
      result: { proof: 'checksum', checksum },
    });
    const key = `connectors/default/${upload.uploadId}`;
    expect(await coordinator.objectStore.headObject({ key })).toMatchObject({ checksum });
  });

  it('proves nothing that the client has not told', async () => {
    await start();
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    const { answer } = await coordinator.complete(upload);
    expect(answer).toMatchObject({ state: 'COMPLETED', result: { proof: 'size' } });
    expect(answer).not.toHaveProperty('result.checksum');
  });

  it('is taken from the listing where a report lacks it', async () => {
    const lists: unknown[] = [];
    await start(
      storeWith({}, (store) => ({
        completeMultipartUpload: async (input) => {
          lists.push(
            input.parts.map((part) => part.checksum),
            input.checksum,
          );
          return await store.completeMultipartUpload(input);
        },
      })),
    );
    const upload = await coordinator.create(IN_PARTS);
    const parts = digestedParts(upload, content);
    for (const part of parts) {
      const { bytes, partNumber, sizeBytes } = part;
      const response = await put(await grantOf(coordinator, upload, part), bytes);
      const etag = response.headers.get('etag') ?? '';
      await coordinator.parts(upload, { report: [{ partNumber, sizeBytes, etag }] });
    }
    expect((await coordinator.complete(upload)).status).toBe(200);
    expect(lists).toEqual([parts.map((part) => part.checksum), crcOf(content)]);
  });

  it('may not be left out of a part of an upload that has them', async () => {
    await start();
    const upload = await coordinator.create(IN_PARTS);
    expect(await coordinator.parts(upload, { sign: [{ partNumber: 1, sizeBytes: 5 * MIB }] })).toMatchObject({
      status: 400,
      problem: { code: 'bad-request', detail: expect.stringContaining('without a digest') },
    });
  });

  it('must be by the algorithm of the upload', async () => {
    await start();
    const sign = [{ partNumber: 1, sizeBytes: 5 * MIB, checksum: md5Of(content) }];
    for (const request of [IN_PARTS, { ...IN_PARTS, checksums: [] }]) {
      const upload = await coordinator.create(request);
      expect(await coordinator.parts(upload, { sign })).toMatchObject({
        status: 400,
        problem: { code: 'bad-request', uploadId: upload.uploadId },
      });
    }
  });
});

describe('a wrong digest', () => {
  it('of a part names that part alone', async () => {
    await start();
    const upload = await coordinator.create(IN_PARTS);
    const [first, second, third] = digestedParts(upload, content);
    await sendDigested(coordinator, upload, first!);
    // What is reported of it is not what the store has: the client had sent it before its file was changed, say.
    const changed = { ...second!, bytes: randomBytes(5 * MIB) };
    const told = { checksum: second!.checksum };
    await sendDigested(coordinator, upload, { ...changed, checksum: crcOf(changed.bytes) }, told);
    await sendDigested(coordinator, upload, third!);
    const request = { checksum: crcOf(content) };
    expect(await coordinator.complete(upload, request)).toMatchObject({
      status: 409,
      problem: { code: 'parts-missing', missingParts: [2] },
    });
    await sendDigested(coordinator, upload, second!);
    expect((await coordinator.complete(upload, request)).answer).toMatchObject({
      result: { proof: 'checksum', ...request },
    });
    expect(sha256(await coordinator.read(`connectors/default/${upload.uploadId}`))).toBe(sha256(content));
  });

  it('of the whole is refused while the parts make another, and ends nothing', async () => {
    await start();
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    const refused = await coordinator.complete(upload, { checksum: crcOf(Buffer.from('another')) });
    expect(refused).toMatchObject({ status: 409, problem: { code: 'parts-differ' } });
    expect((await coordinator.complete(upload, { checksum: crcOf(content) })).status).toBe(200);
  });

  it('of the whole fails the upload only when every part agrees, and the store says so', async () => {
    const refusal = { kind: 'refused', s3Code: 'BadDigest', message: 'another checksum' } as const;
    await start(storeWith({}, () => ({ completeMultipartUpload: () => Promise.resolve(refusal) })));
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    const refused = await coordinator.complete(upload, { checksum: crcOf(content) });
    expect(refused).toMatchObject({ status: 409, problem: { code: 'upload-failed' } });
    expect(refused.problem.detail).toContain('integrity');
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toHaveLength(1);
  });

  it('is told by a part that nobody has reported, which may be of another content', async () => {
    await start();
    const wish = { ...IN_PARTS, createId: randomUUID() };
    const upload = await coordinator.create(wish);
    const [first, second, third] = digestedParts(upload, content);
    const stale = { ...second!, bytes: randomBytes(5 * MIB) };
    const grant = await grantOf(coordinator, upload, { ...stale, checksum: crcOf(stale.bytes) });
    await put(grant, stale.bytes);
    for (const part of [first!, third!]) await sendDigested(coordinator, upload, part);
    const request = { checksum: crcOf(content) };
    expect(await coordinator.complete(upload, request)).toMatchObject({ problem: { code: 'parts-differ' } });
    const { receivedParts } = await coordinator.create(wish);
    const known = [first!.checksum, crcOf(stale.bytes), third!.checksum];
    expect(receivedParts.map(({ checksum }) => checksum)).toEqual(known);
    await sendDigested(coordinator, upload, second!);
    expect((await coordinator.complete(upload, request)).status).toBe(200);
  });

  it('does not fail an upload whose parts nobody can compare', async () => {
    const refusal = { kind: 'refused', s3Code: 'BadDigest', message: 'another checksum' } as const;
    let isRefused = true;
    await start(
      storeWith({}, (store) => ({
        listParts: async (ref) =>
          (await store.listParts(ref))?.map(({ checksum: _checksum, ...part }) => part),
        completeMultipartUpload: async (input) =>
          isRefused ? refusal : await store.completeMultipartUpload(input),
      })),
    );
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    expect(await coordinator.complete(upload, { checksum: crcOf(content) })).toMatchObject({
      problem: { code: 'completion-refused' },
    });
    isRefused = false;
    expect(await coordinator.complete(upload, { checksum: crcOf(content) })).toMatchObject({ status: 200 });
  });

  it('is a word of the store alone where no digests were told, and fails nothing', async () => {
    const refusal = { kind: 'refused', s3Code: 'BadDigest', message: 'damaged on its way' } as const;
    await start(storeWith({}, () => ({ completeMultipartUpload: () => Promise.resolve(refusal) })));
    const upload = await coordinator.create({ ...IN_PARTS, checksums: [] });
    await sendParts(coordinator, upload, content);
    expect(await coordinator.complete(upload)).toMatchObject({ problem: { code: 'completion-refused' } });
  });

  it('gets no answer of an object of another, neither while that is made nor afterwards', async () => {
    await start();
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    const right = { checksum: crcOf(content) };
    const wrong = { checksum: crcOf(Buffer.from('another')) };
    const [made, joined] = await Promise.all(
      [right, wrong].map((asked) => coordinator.complete(upload, asked)),
    );
    const completed = { status: 409, problem: { code: 'upload-completed' } };
    expect(made).toMatchObject({ answer: { result: { proof: 'checksum', ...right } } });
    expect(joined).toMatchObject(completed);
    expect(await coordinator.complete(upload, wrong)).toMatchObject(completed);
    expect(await coordinator.complete(upload, right)).toMatchObject({ status: 200 });
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200 });
  });

  it('of the object that stands there fails the upload', async () => {
    await start(
      storeWith({}, (store) => ({
        headObject: async (ref) => {
          const object = await store.headObject(ref);
          return object && { ...object, checksum: crcOf(Buffer.from('another')) };
        },
      })),
    );
    const upload = await coordinator.create(IN_PARTS);
    for (const part of digestedParts(upload, content)) await sendDigested(coordinator, upload, part);
    const { problem } = await coordinator.complete(upload, { checksum: crcOf(content) });
    expect(problem).toMatchObject({ code: 'upload-failed', detail: expect.stringContaining('integrity') });
  });
});

describe('two contents in one upload, where the store combines no checksums', () => {
  const edited = Buffer.from(content);
  edited[7 * MIB] = 255 - edited[7 * MIB]!;

  async function startWithMd5(options?: Partial<StoreProfile>) {
    await start(storeWith({ fullObjectChecksums: [], ...options }));
    const upload = await coordinator.create(IN_PARTS);
    return {
      upload,
      before: digestedParts(upload, content, md5Of),
      after: digestedParts(upload, edited, md5Of),
    };
  }

  it('are told apart by the MD5s of their parts before anything is completed', async () => {
    const { upload, before, after } = await startWithMd5();
    for (const part of [before[0]!, after[1]!, before[2]!]) await sendDigested(coordinator, upload, part);
    const checksum = compositeOf(before);
    expect(await coordinator.complete(upload, { checksum })).toMatchObject({
      status: 409,
      problem: { code: 'parts-differ', uploadId: upload.uploadId },
    });
    await sendDigested(coordinator, upload, before[1]!);
    expect((await coordinator.complete(upload, { checksum })).answer).toMatchObject({
      state: 'COMPLETED',
      result: { proof: 'checksum', checksum },
    });
    expect(sha256(await coordinator.read(`connectors/default/${upload.uploadId}`))).toBe(sha256(content));
  });

  it('are told apart in one call with the last report', async () => {
    const { upload, before, after } = await startWithMd5();
    for (const part of before) await sendDigested(coordinator, upload, part);
    const { bytes, ...second } = after[1]!;
    const etag = (await put(await grantOf(coordinator, upload, after[1]!), bytes)).headers.get('etag')!;
    const asked = { report: [{ ...second, etag }], checksum: compositeOf(before) };
    expect(await coordinator.complete(upload, asked)).toMatchObject({ problem: { code: 'parts-differ' } });
    const { status } = await coordinator.complete(upload, { checksum: compositeOf(after) });
    expect(status).toBe(200);
  });

  it.each([
    ['both said what they send', true],
    ['an older client said nothing', false],
  ])('do not get each other’s object: %s', async (_what, isTold) => {
    const { upload, before, after } = await startWithMd5();
    for (const part of before) await sendDigested(coordinator, upload, part);
    const mine = { checksum: compositeOf(before) };
    const other = { checksum: compositeOf(after) };
    const [made, joined] = await Promise.all(
      [isTold ? mine : {}, other].map((asked) => coordinator.complete(upload, asked)),
    );
    const completed = { status: 409, problem: { code: 'upload-completed' } };
    expect(made).toMatchObject({ status: 200 });
    expect(joined).toMatchObject(completed);
    expect(await coordinator.complete(upload, other)).toMatchObject(completed);
    expect(await coordinator.complete(upload, mine)).toMatchObject({ status: 200 });
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200 });
  });

  it('are told apart by the ETag where a coordinator of before has completed one', async () => {
    const memory = createSqliteStore({ path: ':memory:' });
    await memory.catalog.migrate();
    const { beginCompletion } = memory.catalog;
    memory.catalog.beginCompletion = (uploadId, { checksum: _none, ...attempt }) =>
      beginCompletion(uploadId, attempt);
    await start({ ...memory, ...storeWith({ fullObjectChecksums: [] }) });
    const upload = await coordinator.create(IN_PARTS);
    const parts = digestedParts(upload, content, md5Of);
    for (const part of parts) await sendDigested(coordinator, upload, part);
    expect(await coordinator.complete(upload)).toMatchObject({ answer: { result: { proof: 'size' } } });
    const other = compositeOf(digestedParts(upload, edited, md5Of));
    expect(await coordinator.complete(upload, { checksum: compositeOf(parts) })).toMatchObject({
      status: 200,
    });
    expect(await coordinator.complete(upload, { checksum: other })).toMatchObject({ status: 409 });
    await memory.catalog.close();
  });

  it('do not hold what one has said against who says nothing', async () => {
    let isRefused = true;
    const refusal = { kind: 'refused', s3Code: 'InvalidPart', message: 'not now' } as const;
    await start(
      storeWith({ fullObjectChecksums: [] }, (store) => ({
        completeMultipartUpload: async (input) =>
          isRefused ? refusal : await store.completeMultipartUpload(input),
      })),
    );
    const upload = await coordinator.create(IN_PARTS);
    const before = digestedParts(upload, content, md5Of);
    const after = digestedParts(upload, edited, md5Of);
    for (const part of before) await sendDigested(coordinator, upload, part);
    const mine = { checksum: compositeOf(before) };
    expect(await coordinator.complete(upload, mine)).toMatchObject({
      problem: { code: 'completion-refused' },
    });
    isRefused = false;
    await sendDigested(coordinator, upload, after[1]!);
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200 });
    expect(await coordinator.complete(upload, mine)).toMatchObject({ problem: { code: 'upload-completed' } });
  });
});

describe('an open upload', () => {
  const fingerprint = 'f'.repeat(64);

  it('tells what it knows of each part', async () => {
    await start();
    const upload = await coordinator.create({ ...IN_PARTS, fingerprint });
    const [first] = digestedParts(upload, content);
    await sendDigested(coordinator, upload, first!);
    const { partNumber, sizeBytes, checksum } = first!;
    const receivedParts = [{ partNumber, sizeBytes, checksum }];
    expect(await coordinator.create({ ...IN_PARTS, fingerprint })).toMatchObject({
      uploadId: upload.uploadId,
      checksumAlgorithm: 'CRC32',
      receivedParts,
    });
    const { answer } = await coordinator.call<UploadStatus>('GET', `/v1/uploads/${upload.uploadId}`, upload);
    expect(answer.receivedParts).toEqual(receivedParts);
  });

  it('reads MD5s from ETags, where nobody has reported a part', async () => {
    await start(storeWith({ fullObjectChecksums: [] }));
    const createId = randomUUID();
    const upload = await coordinator.create({ ...IN_PARTS, createId });
    const [first] = digestedParts(upload, content, md5Of);
    await put(await grantOf(coordinator, upload, first!), first!.bytes);
    const { partNumber, sizeBytes, checksum } = first!;
    expect((await coordinator.create({ ...IN_PARTS, createId })).receivedParts).toEqual([
      { partNumber, sizeBytes, checksum },
    ]);
  });

  it('goes on without digests if it was begun without, and is left alone by who cannot make its digests', async () => {
    await start();
    const { checksums: _none, ...older } = { ...IN_PARTS, fingerprint };
    const old = await coordinator.create(older);
    const resumed = await coordinator.create({ ...IN_PARTS, fingerprint });
    expect([resumed.uploadId, resumed.checksumAlgorithm]).toEqual([old.uploadId, undefined]);
    await sendParts(coordinator, resumed, content);
    expect((await coordinator.complete(resumed)).answer).toMatchObject({ result: { proof: 'size' } });

    const upload = await coordinator.create({ ...IN_PARTS, fingerprint });
    const other = await coordinator.create(older);
    expect(other.uploadId).not.toBe(upload.uploadId);
    await sendParts(coordinator, other, content);
    expect((await coordinator.complete(other)).status).toBe(200);
  });
});

describe('a content in one piece', () => {
  const small = randomBytes(1_000);

  it('travels with the digest that came with its create', async () => {
    await start();
    const checksum = crcOf(small);
    const upload = await coordinator.create({ sizeBytes: 1_000, checksums: ALL, checksum });
    expect((await put(upload.grants[0]!, randomBytes(1_000))).status).toBe(400);
    expect((await put(upload.grants[0]!, small)).status).toBe(200);
    expect((await coordinator.complete(upload)).answer).toMatchObject({
      result: { proof: 'checksum', checksum },
    });
  });

  it('gets its URL for another digest where the store verifies no such one', async () => {
    await start(storeWith({ fullObjectChecksums: [] }));
    const upload = await coordinator.create({ sizeBytes: 1_000, checksums: ALL, checksum: crcOf(small) });
    expect(upload).toMatchObject({ mode: 'single', checksumAlgorithm: 'MD5', grants: [] });
    const [part] = digestedParts(upload, small, md5Of);
    const grant = await grantOf(coordinator, upload, part!);
    expect((await put(grant, randomBytes(1_000))).status).toBe(400);
    expect((await put(grant, small)).status).toBe(200);
    const checksum = md5Of(small);
    expect((await coordinator.complete(upload, { checksum })).answer).toMatchObject({
      result: { proof: 'checksum', checksum },
    });
  });

  it('inside the create call is compared too', async () => {
    await start();
    const checksum = crcOf(small);
    const payload = small.toString('base64');
    expect(await coordinator.create({ sizeBytes: 1_000, payload, checksum, checksums: ALL })).toMatchObject({
      state: 'COMPLETED',
      result: { proof: 'checksum', checksum },
    });
    expect(await coordinator.create({ sizeBytes: 1_000, payload })).toMatchObject({
      result: { proof: 'size' },
    });
  });
});
