import { randomBytes, randomUUID } from 'node:crypto';
import {
  closePlan,
  type CreateUploadResponse,
  type OpenPlan,
  partRanges,
  type UploadStatus,
} from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { put, sha256, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;

let coordinator: TestCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.close());

const createOpen = (request = {}): Promise<CreateUploadResponse> =>
  coordinator.create({ sizeBytes: null, partSizeBytes: 5 * MIB, ...request });

const openPlanOf = ({ plan }: CreateUploadResponse): OpenPlan => {
  if (plan.sizeBytes !== null) throw new Error('the size is known');
  return plan;
};

/** Sends the whole content as the rule cuts it, and reports it. */
async function sendAll(upload: CreateUploadResponse, content: Uint8Array): Promise<void> {
  for (const part of partRanges(closePlan(upload.plan, content.byteLength)))
    expect(await sendOne(upload, part, content)).toBe(200);
}

async function sendOne(
  upload: CreateUploadResponse,
  { partNumber, offsetBytes, sizeBytes }: { partNumber: number; offsetBytes: number; sizeBytes: number },
  content: Uint8Array,
): Promise<number> {
  const signed = await coordinator.parts(upload, { sign: [{ partNumber, sizeBytes }] });
  const [grant] = signed.answer.grants ?? [];
  if (!grant) return signed.status;
  const response = await put(grant, content.subarray(offsetBytes, offsetBytes + sizeBytes));
  const etag = response.headers.get('etag') ?? '';
  return (await coordinator.parts(upload, { report: [{ partNumber, sizeBytes, etag }] })).status;
}

const completeWith = (upload: CreateUploadResponse, body?: object) =>
  coordinator.call<{ result?: { key: string } }>('POST', `/v1/uploads/${upload.uploadId}/complete`, {
    token: upload.token,
    ...(body && { body }),
  });

describe('an upload of unknown size', () => {
  it('says at create how it is cut and how far it reaches, and gives no URLs yet', async () => {
    const upload = await createOpen();
    expect(upload).toMatchObject({ mode: 'multipart', state: 'UPLOADING', grants: [], receivedParts: [] });
    expect(upload.plan).toMatchObject({ sizeBytes: null, partSizeBytes: 5 * MIB, doubleEvery: 1_000 });
    expect(openPlanOf(upload).maxSizeBytes).toBeGreaterThan(4 * 1024 ** 4);
  });

  it.each([
    ['one part', 5 * MIB, {}],
    ['several', 12 * MIB + 1, {}],
    ['parts that grow', 42 * MIB, { maxChunks: 20 }],
    ['nothing', 0, {}],
  ])('is completed with its size: %s', async (_name, sizeBytes, settings) => {
    await coordinator.close();
    coordinator = await startCoordinator(settings);
    const content = randomBytes(sizeBytes);
    const upload = await createOpen();
    await sendAll(upload, content);
    const { answer, status } = await completeWith(upload, { sizeBytes });
    expect({ status, answer }).toMatchObject({ status: 200, answer: { result: { sizeBytes } } });
    expect(sha256(await coordinator.read(answer.result?.key ?? ''))).toBe(sha256(content));
    expect((await completeWith(upload, { sizeBytes })).answer).toEqual(answer);
    const { token, uploadId } = upload;
    const got = await coordinator.call<UploadStatus>('GET', `/v1/uploads/${uploadId}`, { token });
    expect(got.answer.plan).toEqual(closePlan(upload.plan, sizeBytes));
  });

  it('finds a part that was stored and not reported', async () => {
    const content = randomBytes(6 * MIB);
    const upload = await createOpen();
    for (const { partNumber, offsetBytes, sizeBytes } of partRanges(closePlan(upload.plan, 6 * MIB))) {
      const { answer } = await coordinator.parts(upload, { sign: [{ partNumber, sizeBytes }] });
      await put(answer.grants[0]!, content.subarray(offsetBytes, offsetBytes + sizeBytes));
    }
    expect(await completeWith(upload, { sizeBytes: 6 * MIB })).toMatchObject({ status: 200 });
  });

  it('is not completed without a size, with too large a one, or shorter or longer than what was sent', async () => {
    const upload = await createOpen();
    await sendAll(upload, randomBytes(11 * MIB));
    const mismatch = { status: 409, problem: { code: 'size-mismatch', uploadId: upload.uploadId } };
    const missing = (missingParts: number[]) => ({
      status: 409,
      problem: { code: 'parts-missing', missingParts },
    });
    expect(await completeWith(upload)).toMatchObject(mismatch);
    expect(await completeWith(upload, { sizeBytes: 5 * 1024 ** 4 })).toMatchObject(mismatch);
    expect(await completeWith(upload, { sizeBytes: 11 * MIB - 1 })).toMatchObject(missing([3]));
    expect(await completeWith(upload, { sizeBytes: 5 * MIB - 1 })).toMatchObject(missing([1]));
    expect(await completeWith(upload, { sizeBytes: 16 * MIB })).toMatchObject(missing([3, 4]));
    // A sum that is right, of parts that are not.
    expect(await completeWith(upload, { sizeBytes: 11 * MIB })).toMatchObject({ status: 200 });
    expect(await completeWith(upload, { sizeBytes: 10 * MIB })).toMatchObject(mismatch);
  });

  it('is completed with one size when two are asked for at once', async () => {
    const upload = await createOpen();
    await sendAll(upload, randomBytes(10 * MIB));
    const sizes = [5 * MIB, 10 * MIB];
    const answers = await Promise.all(sizes.map((sizeBytes) => completeWith(upload, { sizeBytes })));
    const refused = answers.findIndex(({ status }) => status === 409);
    expect(answers[1 - refused]?.status).toBe(200);
    expect(answers[refused]?.problem.code).toBe('size-mismatch');
    expect(answers[1 - refused]?.answer.result).toMatchObject({ sizeBytes: sizes[1 - refused] });
  });

  it('refuses to leave a known size', async () => {
    const upload = await coordinator.create({ sizeBytes: 5 });
    expect(await completeWith(upload, { sizeBytes: 4 })).toMatchObject({
      problem: { code: 'size-mismatch' },
    });
  });

  it('signs no part that is larger than its rule, or beyond what it may reach', async () => {
    await coordinator.close();
    coordinator = await startCoordinator({ maxSizeBytes: 12 * MIB });
    const upload = await createOpen();
    const sign = (partNumber: number, sizeBytes: number) =>
      coordinator.parts(upload, { sign: [{ partNumber, sizeBytes }] });
    expect(openPlanOf(upload)).toMatchObject({ maxSizeBytes: 12 * MIB, maxPartCount: 3 });
    expect(await sign(1, 5 * MIB)).toMatchObject({ status: 200 });
    expect(await sign(1, 5 * MIB + 1)).toMatchObject({ problem: { code: 'part-size-mismatch' } });
    expect(await sign(3, 2 * MIB)).toMatchObject({ status: 200 });
    expect(await sign(3, 2 * MIB + 1)).toMatchObject({ problem: { code: 'part-size-mismatch' } });
    expect(await sign(4, 1)).toMatchObject({ problem: { code: 'part-number-out-of-range' } });
  });

  it('is found again by its createId, with the parts that it has, and never by its content', async () => {
    const request = { createId: randomUUID(), fingerprint: 'ab'.repeat(32) };
    const upload = await createOpen(request);
    await sendOne(upload, partRanges(closePlan(upload.plan, 9 * MIB))[0]!, randomBytes(9 * MIB));
    const again = await createOpen(request);
    expect(again).toMatchObject({
      uploadId: upload.uploadId,
      resumed: true,
      grants: [],
      receivedParts: [{ partNumber: 1, sizeBytes: 5 * MIB }],
    });
    expect((await createOpen({ fingerprint: request.fingerprint })).uploadId).not.toBe(upload.uploadId);
  });

  it('leaves nothing when it is cancelled', async () => {
    const upload = await createOpen();
    await sendAll(upload, randomBytes(6 * MIB));
    expect(await coordinator.cancel(upload)).toMatchObject({ answer: { state: 'CANCELLED' } });
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
  });

  it('is completed in a batch', async () => {
    const upload = await createOpen();
    await sendAll(upload, randomBytes(6 * MIB));
    const { uploadId, token } = upload;
    const { answer } = await coordinator.call('POST', '/v1/uploads/batch/complete', {
      body: { uploads: [{ uploadId, token, sizeBytes: 6 * MIB }] },
    });
    expect(answer).toMatchObject({ uploads: [{ ok: true, value: { state: 'COMPLETED' } }] });
  });
});
