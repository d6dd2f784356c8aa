import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CompleteResponse,
  type CreateUploadRequest,
  type CreateUploadResponse,
  type PartsResponse,
  planParts,
  type Receipt,
} from '@longhaul/protocol';
import { crcOf, type DigestedPart, digestedParts, md5Of } from '../support/digests.ts';
import { put, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
const content = randomBytes(11 * MIB);
/** Before there is a plan: the one that is expected. */
const expected = (partSizeBytes = 5 * MIB, digest = crcOf): DigestedPart[] => {
  const plan = planParts(content.byteLength, partSizeBytes);
  return digestedParts({ plan } as CreateUploadResponse, content, digest);
};
const asked = (parts: readonly DigestedPart[]): Partial<CreateUploadRequest> => ({
  sizeBytes: content.byteLength,
  mode: 'multipart',
  partSizeBytes: 5 * MIB,
  checksums: ['CRC32', 'MD5'],
  sign: parts.map(({ partNumber, sizeBytes, checksum }) => ({ partNumber, sizeBytes, checksum })),
});
const numbersOf = ({ grants }: CreateUploadResponse): number[] => grants.map(({ partNumber }) => partNumber);

let coordinator: TestCoordinator;
beforeEach(async () => {
  coordinator = await startCoordinator();
});
afterEach(() => coordinator.close());

/** Sends the parts that were granted, and says what is to be reported of them. */
async function send(
  { grants }: Pick<CreateUploadResponse, 'grants'>,
  parts: readonly DigestedPart[],
): Promise<Receipt[]> {
  return await Promise.all(
    grants.map(async (grant) => {
      const { bytes, ...part } = parts[grant.partNumber - 1]!;
      const response = await put(grant, bytes);
      if (!response.ok) throw new Error(`PUT answered ${response.status}`);
      return { ...part, etag: response.headers.get('etag') ?? '' };
    }),
  );
}

describe('create with parts to sign', () => {
  it('answers with their URLs, each for its digest alone', async () => {
    const parts = expected();
    const upload = await coordinator.create(asked(parts));
    expect(numbersOf(upload)).toEqual([1, 2, 3]);
    expect((await put(upload.grants[0]!, parts[1]!.bytes)).status).toBe(400);
    expect((await put(upload.grants[0]!, parts[0]!.bytes)).status).toBe(200);
  });

  it('passes over what is of another plan', async () => {
    // Its second part is as large as the second one of the plan that is made, and lies elsewhere.
    const fingerprint = 'a'.repeat(64);
    await coordinator.create({ ...asked(expected()), fingerprint });
    const other = { ...asked(expected(6 * MIB)), partSizeBytes: 6 * MIB, fingerprint };
    const resumed = await coordinator.create(other);
    expect(resumed).toMatchObject({ resumed: true, plan: { partSizeBytes: 5 * MIB } });
    expect(numbersOf(resumed)).toEqual([]);
    const beyond = { partNumber: 4, sizeBytes: MIB, checksum: crcOf(new Uint8Array(MIB)) };
    expect(numbersOf(await coordinator.create({ ...asked([]), sign: [beyond] }))).toEqual([]);
  });

  it('passes over other digests than are asked for, and parts without one', async () => {
    expect(numbersOf(await coordinator.create(asked(expected(5 * MIB, md5Of))))).toEqual([]);
    const { sign = [], ...request } = asked(expected());
    const bare = sign.map(({ partNumber, sizeBytes }) => ({ partNumber, sizeBytes }));
    expect(numbersOf(await coordinator.create({ ...request, sign: bare }))).toEqual([]);
  });

  it('passes over parts that are there already', async () => {
    const parts = expected();
    const request = { ...asked(parts), createId: crypto.randomUUID() };
    const upload = await coordinator.create(request);
    const [first] = await send({ ...upload, grants: upload.grants.slice(0, 1) }, parts);
    await coordinator.parts(upload, { report: [first!] });
    expect(numbersOf(await coordinator.create(request))).toEqual([2, 3]);
  });

  it('gives none while the size is unknown: any part may be the last', async () => {
    const upload = await coordinator.create({ ...asked(expected()), sizeBytes: null });
    expect(numbersOf(upload)).toEqual([]);
  });
});

describe('complete with the last reports', () => {
  it('counts them as if they had been reported before', async () => {
    const parts = expected();
    // Nobody can look them up: what is not reported is missing.
    const blind = await startCoordinator({
      wrapStore: (store) => ({ ...store, listParts: async () => [] }),
    });
    const upload = await blind.create(asked(parts));
    const report = await send(upload, parts);
    expect(await blind.complete(upload)).toMatchObject({ status: 409, problem: { code: 'parts-missing' } });
    expect((await blind.complete(upload, { report })).answer).toMatchObject({ state: 'COMPLETED' });
    // Repeated, it is answered as it was.
    expect(await blind.complete(upload, { report })).toMatchObject({
      status: 200,
      answer: { state: 'COMPLETED' },
    });
    await blind.close();
  });

  it('refuses what is not of the plan, and says of an ended upload that it has ended', async () => {
    const upload = await coordinator.create(asked(expected()));
    const report = [{ partNumber: 4, sizeBytes: MIB, etag: '"e"' }];
    expect(await coordinator.complete(upload, { report })).toMatchObject({
      status: 400,
      problem: { code: 'part-number-out-of-range' },
    });
    await coordinator.cancel(upload);
    expect((await coordinator.complete(upload, { report })).problem.code).toBe('upload-cancelled');
  });
});

describe('calls at the path of all uploads', () => {
  it('carry an upload, and no header that a page would have to ask for first', async () => {
    const parts = expected();
    const { uploadId, token } = await coordinator.create(asked([]));
    const sign = asked(parts).sign ?? [];
    const { answer } = await coordinator.call<PartsResponse>('POST', '/v1/uploads/parts', {
      body: { uploadId, token, sign },
    });
    const report = await send({ grants: answer.grants }, parts);
    const checksum = crcOf(content);
    const complete = await coordinator.call<CompleteResponse>('POST', '/v1/uploads/complete', {
      body: { uploadId, token, report, checksum },
    });
    expect(complete).toMatchObject({
      status: 200,
      answer: { state: 'COMPLETED', result: { proof: 'checksum', checksum } },
    });
  });

  it.each(['parts', 'complete'])('want the token of that upload: %s', async (name) => {
    const [{ uploadId }, { token }] = [
      await coordinator.create(asked([])),
      await coordinator.create(asked([])),
    ];
    const call = async (body: object) =>
      (await coordinator.call('POST', `/v1/uploads/${name}`, { body })).problem.code;
    expect(await call({ uploadId, token })).toBe('token-invalid');
    expect(await call({ uploadId })).toBe('bad-request');
  });
});
