import { randomBytes, randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CompleteResponse, CreateUploadResponse, ProofLevel, UploadStatus } from '@longhaul/protocol';
import { partRange } from '@longhaul/protocol';
import {
  put,
  sendParts,
  sha256,
  startCoordinator,
  type TestCoordinator,
} from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;

let coordinator: TestCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.close());

/** A multipart upload in parts of 5 MiB. */
const createInParts = (sizeBytes: number): Promise<CreateUploadResponse> =>
  coordinator.create({ sizeBytes, mode: 'multipart', partSizeBytes: 5 * MIB });

async function expectComplete(
  upload: CreateUploadResponse,
  content: Uint8Array,
  proof: ProofLevel = 'size',
): Promise<CompleteResponse> {
  const { answer, status } = await coordinator.complete(upload);
  expect({ status, answer }).toMatchObject({
    status: 200,
    answer: { state: 'COMPLETED', result: { proof } },
  });
  if (answer.state !== 'COMPLETED') throw new Error('not complete');
  expect(answer.result.sizeBytes).toBe(content.byteLength);
  expect(sha256(await coordinator.read(answer.result.key))).toBe(sha256(content));
  return answer;
}

describe('multipart', () => {
  it('carries a file in parts, and answers every further complete with the first answer', async () => {
    const content = randomBytes(12 * MIB + 1);
    const upload = await createInParts(content.byteLength);
    expect(upload).toMatchObject({
      state: 'UPLOADING',
      mode: 'multipart',
      resumed: false,
      plan: { partCount: 3 },
    });
    await sendParts(coordinator, upload, content);
    const first = await expectComplete(upload, content);
    expect((await coordinator.complete(upload)).answer).toEqual(first);
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
  });

  it('keeps every part of a file whose parts are all equal', async () => {
    const content = new Uint8Array(15 * MIB);
    const upload = await createInParts(content.byteLength);
    await sendParts(coordinator, upload, content);
    await expectComplete(upload, content);
  });

  it('carries 0 bytes as one empty part', async () => {
    const upload = await coordinator.create({ sizeBytes: 0, mode: 'multipart' });
    expect(upload.grants).toHaveLength(1);
    await sendParts(coordinator, upload, new Uint8Array());
    await expectComplete(upload, new Uint8Array());
  });

  it('names missing parts, and finds by listing what was stored and never reported', async () => {
    const content = randomBytes(11 * MIB);
    const upload = await createInParts(content.byteLength);
    const [first, second, third] = upload.grants;
    await sendParts(coordinator, upload, content, [first!]);
    const early = await coordinator.complete(upload);
    expect(early).toMatchObject({
      status: 409,
      problem: { code: 'parts-missing', missingParts: [2, 3], uploadId: upload.uploadId },
    });
    for (const grant of [second!, third!]) {
      const { offsetBytes, sizeBytes } = partRange(upload.plan, grant.partNumber);
      expect((await put(grant, content.subarray(offsetBytes, offsetBytes + sizeBytes))).status).toBe(200);
    }
    await expectComplete(upload, content);
  });

  it('takes a part again, the last one wins', async () => {
    const content = randomBytes(6 * MIB);
    const upload = await createInParts(content.byteLength);
    await sendParts(coordinator, upload, randomBytes(6 * MIB));
    await sendParts(coordinator, upload, content);
    await expectComplete(upload, content);
  });

  it('signs parts beyond the first grants on request, and counts each part once', async () => {
    const upload = await createInParts(100 * MIB);
    expect(upload.grants.map((grant) => grant.partNumber)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const receipt = { partNumber: 4, sizeBytes: 5 * MIB, etag: '"e"' };
    const report = [receipt, receipt];
    const { answer } = await coordinator.parts(upload, {
      report,
      sign: [{ partNumber: 20, sizeBytes: 5 * MIB }],
    });
    expect(answer).toMatchObject({ receivedCount: 1, grants: [{ partNumber: 20 }] });
    expect((await coordinator.parts(upload, { report })).answer.receivedCount).toBe(1);
  });

  it('reopens when the store definitely refuses, and names the part that is not what was reported', async () => {
    const content = randomBytes(6 * MIB);
    const upload = await createInParts(content.byteLength);
    await sendParts(coordinator, upload, content);
    await coordinator.parts(upload, { report: [{ partNumber: 2, sizeBytes: MIB, etag: '"forged"' }] });
    // However often it is asked: what lies there may be anything.
    for (let round = 0; round < 2; round++) {
      expect(await coordinator.complete(upload)).toMatchObject({
        status: 409,
        problem: { code: 'parts-missing', missingParts: [2] },
      });
    }
    const { answer } = await coordinator.call<UploadStatus>('GET', `/v1/uploads/${upload.uploadId}`, {
      token: upload.token,
    });
    expect(answer).toMatchObject({ state: 'UPLOADING' });
    expect(answer.lastError).toContain('InvalidPart');
    await sendParts(coordinator, upload, content, [upload.grants[1]!]);
    await expectComplete(upload, content);
  });

  it('adopts a part whose ETag has changed, when its checksum has not', async () => {
    const checksum = { algorithm: 'CRC32', value: 'jHNlIQ==' } as const;
    let completes = 0;
    const keeping = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        listParts: async (ref) => (await store.listParts(ref))?.map((part) => ({ ...part, checksum })),
        completeMultipartUpload: (input) => {
          completes += 1;
          return store.completeMultipartUpload(input);
        },
      }),
    });
    const content = randomBytes(6 * MIB);
    const upload = await keeping.create({
      sizeBytes: content.byteLength,
      mode: 'multipart',
      partSizeBytes: 5 * MIB,
    });
    await sendParts(keeping, upload, content);
    const report = [{ partNumber: 2, sizeBytes: MIB, etag: '"of-another-key"', checksum }];
    await keeping.parts(upload, { report });
    expect(await keeping.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
    expect(completes).toBe(2);
    expect(sha256(await keeping.read(`connectors/default/${upload.uploadId}`))).toBe(sha256(content));

    const other = await keeping.create({
      sizeBytes: content.byteLength,
      mode: 'multipart',
      partSizeBytes: 5 * MIB,
    });
    await sendParts(keeping, other, content);
    const damaged = [{ ...report[0]!, checksum: { ...checksum, value: 'AAAAAA==' } }];
    await keeping.parts(other, { report: damaged });
    expect(await keeping.complete(other)).toMatchObject({
      problem: { code: 'parts-missing', missingParts: [2] },
    });
    await keeping.close();
  });
});

describe('single', () => {
  it('carries a small file in one PUT, which then changes nothing any more', async () => {
    const content = randomBytes(MIB);
    const upload = await coordinator.create({ sizeBytes: content.byteLength, contentType: 'image/png' });
    const [grant] = upload.grants;
    expect(upload.mode).toBe('single');
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 409,
      problem: { code: 'parts-missing', missingParts: [1] },
    });
    expect((await put(grant!, content)).status).toBe(200);
    const answer = await expectComplete(upload, content);

    expect((await put(grant!, randomBytes(MIB))).status).toBe(412);
    expect((await put(grant!, content, { 'content-type': 'text/html' })).status).toBe(403);
    expect((await put(grant!, randomBytes(MIB + 1))).status).toBe(403);
    await expectComplete(upload, content);
    expect((await coordinator.complete(upload)).answer).toEqual(answer);
    const key = answer.state === 'COMPLETED' ? answer.result.key : '';
    expect(await coordinator.objectStore.headObject({ key })).toMatchObject({ contentType: 'image/png' });
  });

  it('renews its URL', async () => {
    const content = randomBytes(100);
    const upload = await coordinator.create({ sizeBytes: 100 });
    const { answer } = await coordinator.parts(upload, { sign: [{ partNumber: 1, sizeBytes: 100 }] });
    expect((await put(answer.grants[0]!, content)).status).toBe(200);
    await expectComplete(upload, content);
  });

  it('refuses other bytes than the checksum says', async () => {
    const checksum = { algorithm: 'MD5', value: 'rL0Y20zC+Fzt72VPzMSk2A==' } as const; // of "foo"
    const upload = await coordinator.create({ sizeBytes: 3, checksum });
    expect((await put(upload.grants[0]!, Buffer.from('bar'))).status).toBe(400);
    expect((await put(upload.grants[0]!, Buffer.from('foo'))).status).toBe(200);
    // The store makes the ETag of the MD5, so it was compared once more.
    await expectComplete(upload, Buffer.from('foo'), 'checksum');
  });

  it('is not offered above the threshold, nor by a store that would let it be overwritten', async () => {
    const large = await coordinator.create({ sizeBytes: 100 * MIB + 1, mode: 'single' });
    expect(large.mode).toBe('multipart');
    const careless = await startCoordinator({
      wrapStore: (store) => ({ ...store, profile: { ...store.profile, putIfNoneMatch: false } }),
    });
    expect((await careless.create({ sizeBytes: 1 })).mode).toBe('multipart');
    await careless.close();
  });
});

describe('inline', () => {
  it('is done in one call, and once however often it is repeated', async () => {
    const content = Buffer.from('hello');
    const request = { createId: randomUUID(), sizeBytes: 5, payload: content.toString('base64') };
    const upload = await coordinator.create(request);
    expect(upload).toMatchObject({ state: 'COMPLETED', mode: 'inline', grants: [] });
    expect(Buffer.from(await coordinator.read(upload.result!.key)).toString()).toBe('hello');
    const again = await coordinator.create(request);
    expect(again).toMatchObject({ resumed: true, result: upload.result! });
  });

  it('carries 0 bytes', async () => {
    const upload = await coordinator.create({ sizeBytes: 0, payload: '' });
    expect(upload).toMatchObject({ state: 'COMPLETED', result: { sizeBytes: 0 } });
  });
});

describe('cancel', () => {
  it('ends a multipart upload and leaves nothing open at the store', async () => {
    const upload = await createInParts(6 * MIB);
    await sendParts(coordinator, upload, randomBytes(6 * MIB));
    expect(await coordinator.cancel(upload)).toMatchObject({ status: 200, answer: { state: 'CANCELLED' } });
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
    expect(await coordinator.cancel(upload)).toMatchObject({ status: 200, answer: { state: 'CANCELLED' } });
    expect((await put(upload.grants[0]!, randomBytes(5 * MIB))).status).toBe(404);
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 409,
      problem: { code: 'upload-cancelled' },
    });
  });

  it('outwaits the URL of a single PUT, then deletes what it stored', async () => {
    const patient = await startCoordinator({ grantExpiresInSeconds: 1, singlePutGraceSeconds: 0 });
    const upload = await patient.create({ sizeBytes: 3 });
    const early = await patient.cancel(upload);
    expect(early).toMatchObject({ status: 202, answer: { state: 'ABORTING' } });
    expect(early.headers.get('retry-after')).not.toBeNull();
    // The URL still works: this is what an early delete would have let come back.
    expect((await put(upload.grants[0]!, Buffer.from('abc'))).status).toBe(200);
    await expect
      .poll(async () => (await patient.cancel(upload)).answer.state, { timeout: 5_000 })
      .toBe('CANCELLED');
    expect(
      await patient.objectStore.headObject({ key: `connectors/default/${upload.uploadId}` }),
    ).toBeUndefined();
    await patient.close();
  });

  it('leaves a complete upload as it is', async () => {
    const upload = await coordinator.create({ sizeBytes: 1, payload: 'AA==' });
    expect(await coordinator.cancel(upload)).toMatchObject({
      status: 200,
      answer: { state: 'COMPLETED', result: upload.result },
    });
  });
});

describe('batch', () => {
  it('creates and completes each upload by itself: a bad one spoils no other', async () => {
    const item = (sizeBytes: unknown) => ({ createId: randomUUID(), name: 'x', sizeBytes });
    const body = { uploads: [item(3), item(-1), item(3)] };
    const { answer, status } = await coordinator.call<{
      uploads: { ok: boolean; value: CreateUploadResponse }[];
    }>('POST', '/v1/uploads/batch', { body });
    expect(status).toBe(200);
    expect(answer.uploads).toMatchObject([
      { ok: true },
      { ok: false, problem: { code: 'bad-request' } },
      { ok: true },
    ]);
    const [good, , unsent] = answer.uploads;
    await put(good!.value.grants[0]!, Buffer.from('abc'));
    const uploads = [good!, unsent!].map(({ value }) => ({ uploadId: value.uploadId, token: value.token }));
    const completed = await coordinator.call('POST', '/v1/uploads/batch/complete', { body: { uploads } });
    expect(completed.answer).toMatchObject({
      uploads: [
        { ok: true, value: { state: 'COMPLETED' } },
        { ok: false, problem: { code: 'parts-missing' } },
      ],
    });
  });

  it('takes payloads, and makes one upload of a createId that it holds twice', async () => {
    const payload = (text: string) => ({
      createId: randomUUID(),
      name: text,
      sizeBytes: text.length,
      payload: btoa(text),
    });
    const twice = payload('twice');
    const body = { uploads: [payload('one'), twice, { ...payload('two'), payload: '?' }, twice] };
    const { answer } = await coordinator.call<{ uploads: { value?: CreateUploadResponse }[] }>(
      'POST',
      '/v1/uploads/batch',
      { body },
    );
    expect(answer.uploads).toMatchObject([
      { ok: true, value: { state: 'COMPLETED', mode: 'inline' } },
      { ok: true, value: { state: 'COMPLETED' } },
      { ok: false, problem: { code: 'bad-request' } },
      { ok: true, value: { state: 'COMPLETED' } },
    ]);
    expect(answer.uploads[3]?.value?.uploadId).toBe(answer.uploads[1]?.value?.uploadId);
  });

  it('takes neither more entries nor more bytes than it says', async () => {
    const uploads = Array.from({ length: 101 }, () => ({ createId: randomUUID(), name: 'x', sizeBytes: 1 }));
    expect(await coordinator.call('POST', '/v1/uploads/batch', { body: { uploads } })).toMatchObject({
      status: 400,
      answer: { code: 'bad-request', detail: expect.stringContaining('uploads') },
    });
    const text = `{"uploads":["${'x'.repeat(16 * MIB)}"]}`;
    expect(await coordinator.call('POST', '/v1/uploads/batch', { text })).toMatchObject({
      status: 413,
      answer: { code: 'request-too-large' },
    });
  });
});

describe('limits', () => {
  it('tells what the server recommends, and how a size would be cut', async () => {
    const limits = {
      recommended_chunk_size: 104857600,
      min_chunk_size: 5242880,
      max_chunk_size: 524288000,
      max_chunks: 10000,
    };
    expect((await coordinator.call('GET', '/v1/limits')).answer).toEqual(limits);
    const { answer } = await coordinator.call('GET', `/v1/limits?size=${48 * MIB}`);
    expect(answer).toEqual({
      ...limits,
      plan: { sizeBytes: 48 * MIB, partSizeBytes: 16 * MIB, partCount: 3 },
    });
    // 48.8 TiB needs larger parts than max_chunk_size: the rule of 10,000 parts comes first.
    const whole = await coordinator.call('GET', '/v1/limits?size=53687091200000');
    expect(whole.answer).toMatchObject({ plan: { partSizeBytes: 5 * 1024 ** 3, partCount: 10_000 } });
    expect(await coordinator.call('GET', '/v1/limits?size=x')).toMatchObject({
      status: 400,
      problem: { code: 'bad-request' },
    });
  });
});

describe('health', () => {
  it('lives, and is ready only while everything behind it answers', async () => {
    expect((await coordinator.call('GET', '/healthz')).status).toBe(200);
    expect(await coordinator.call('GET', '/readyz')).toMatchObject({ status: 200, answer: { status: 'ok' } });
    const lame = await startCoordinator({
      wrapStore: (store) => ({ ...store, ping: () => Promise.reject(new Error('away')) }),
    });
    expect(await lame.call('GET', '/readyz')).toMatchObject({
      status: 503,
      answer: { checks: { objectStore: false, catalog: true } },
    });
    await lame.close();
  });
});
