import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { partRange } from '@longhaul/protocol';
import { type CompleteOutcome, type ObjectStore, ObjectStoreError } from '../../src/index.ts';
import {
  put,
  sendParts,
  sha256,
  startCoordinator,
  type TestCoordinator,
} from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
const content = randomBytes(6 * MIB);

/** A store whose Complete answers as told, after the real one did or did not happen. */
function completing(
  answer: (
    store: ObjectStore,
    input: Parameters<ObjectStore['completeMultipartUpload']>[0],
  ) => Promise<CompleteOutcome>,
) {
  return {
    wrapStore: (store: ObjectStore): ObjectStore => ({
      ...store,
      completeMultipartUpload: (input) => answer(store, input),
    }),
  };
}

async function uploaded(coordinator: TestCoordinator) {
  const upload = await coordinator.create({
    sizeBytes: content.byteLength,
    mode: 'multipart',
    partSizeBytes: 5 * MIB,
  });
  await sendParts(coordinator, upload, content);
  return upload;
}

describe('complete', () => {
  it('tells a lost answer from a lost upload by the object', async () => {
    const coordinator = await startCoordinator(
      completing(async (store, input) => {
        await store.completeMultipartUpload(input);
        return { kind: 'unknown', reason: 'the answer was lost' };
      }),
    );
    const upload = await uploaded(coordinator);
    const { answer, status } = await coordinator.complete(upload);
    expect({ status, answer }).toMatchObject({
      status: 200,
      answer: { state: 'COMPLETED', result: { etag: expect.stringMatching(/^"\w{32}-2"$/) } },
    });
    expect(sha256(await coordinator.read(`connectors/default/${upload.uploadId}`))).toBe(sha256(content));
    await coordinator.close();
  });

  it('believes no success without the object', async () => {
    const coordinator = await startCoordinator(
      completing(async () => ({ kind: 'stored', etag: '"00000000000000000000000000000000-2"' })),
    );
    const upload = await uploaded(coordinator);
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 202,
      answer: { state: 'COMPLETING' },
    });
    expect(await coordinator.parts(upload, {})).toMatchObject({
      status: 409,
      problem: { code: 'upload-completing' },
    });
    expect(await coordinator.cancel(upload)).toMatchObject({
      status: 409,
      problem: { code: 'upload-completing' },
    });
    await coordinator.close();
  });

  it('asks the store once for parts whose ETag the client cannot read, however many they are', async () => {
    let listings = 0;
    const coordinator = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        listParts: async (input) => {
          listings++;
          return await store.listParts(input);
        },
      }),
    });
    const blind = randomBytes(21 * MIB);
    const upload = await coordinator.create({
      sizeBytes: blind.byteLength,
      mode: 'multipart',
      partSizeBytes: 5 * MIB,
    });
    for (const grant of upload.grants) {
      const { partNumber, offsetBytes, sizeBytes } = partRange(upload.plan, grant.partNumber);
      await put(grant, blind.subarray(offsetBytes, offsetBytes + sizeBytes));
      await coordinator.parts(upload, { report: [{ partNumber, sizeBytes }] });
    }
    expect(listings).toBe(0);
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
    expect(listings).toBe(1);
    expect(sha256(await coordinator.read(`connectors/default/${upload.uploadId}`))).toBe(sha256(blind));
    await coordinator.close();
  });

  it('remembers what was reported until it knows what the store has of it', async () => {
    let outages = 0;
    const coordinator = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        listParts: async (upload) => {
          if (outages-- > 0) throw new ObjectStoreError('unreachable', 'no answer');
          return await store.listParts(upload);
        },
      }),
    });
    const upload = await uploaded(coordinator);
    // Other bytes of the same size come late; the listing alone would not tell.
    const other = content.toReversed();
    const stored = await put(upload.grants[0]!, other.subarray(0, 5 * MIB));
    expect(stored.status).toBe(200);
    outages = 1;
    expect(await coordinator.complete(upload)).toMatchObject({ status: 503 });
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 409,
      problem: { code: 'parts-missing', missingParts: [1] },
    });
    await sendParts(coordinator, upload, content, upload.grants.slice(0, 1));
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200 });
    expect(sha256(await coordinator.read(`connectors/default/${upload.uploadId}`))).toBe(sha256(content));
    await coordinator.close();
  });

  it('stays COMPLETING while nobody can tell, and drives again once others had their time', async () => {
    let calls = 0;
    const coordinator = await startCoordinator({
      completionRedriveAfterSeconds: 1,
      ...completing(async (store, input) =>
        ++calls === 1 ? { kind: 'unknown', reason: 'cut' } : await store.completeMultipartUpload(input),
      ),
    });
    const upload = await uploaded(coordinator);
    const first = await coordinator.complete(upload);
    expect(first).toMatchObject({ status: 202, answer: { state: 'COMPLETING' } });
    expect(first.headers.get('retry-after')).toBe('2');
    expect((await coordinator.complete(upload)).status).toBe(202);
    expect(calls).toBe(1);
    await expect
      .poll(async () => (await coordinator.complete(upload)).status, { timeout: 10_000, interval: 200 })
      .toBe(200);
    expect(calls).toBe(2);
    await coordinator.close();
  });

  it('answers 202 when the store takes its time, and the work goes on', async () => {
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let calls = 0;
    const coordinator = await startCoordinator({
      completeAnswerWithinSeconds: 0,
      ...completing(async (store, input) => {
        calls++;
        await gate;
        return await store.completeMultipartUpload(input);
      }),
    });
    const upload = await uploaded(coordinator);
    expect((await coordinator.complete(upload)).status).toBe(202);
    expect((await coordinator.complete(upload)).status).toBe(202);
    release();
    await expect.poll(async () => (await coordinator.complete(upload)).status).toBe(200);
    expect(calls).toBe(1);
    await coordinator.close();
  });

  it('gives many completes at once one attempt and one answer', async () => {
    let calls = 0;
    const coordinator = await startCoordinator(
      completing(async (store, input) => (calls++, await store.completeMultipartUpload(input))),
    );
    const upload = await uploaded(coordinator);
    const answers = await Promise.all(Array.from({ length: 20 }, () => coordinator.complete(upload)));
    expect(new Set(answers.map(({ answer }) => JSON.stringify(answer))).size).toBe(1);
    expect(calls).toBe(1);
    await coordinator.close();
  });

  it('fails for good when the store holds our object with another size', async () => {
    const coordinator = await startCoordinator({
      wrapStore: (store) => ({
        ...store,
        headObject: async (input) => {
          const object = await store.headObject(input);
          return object && { ...object, sizeBytes: object.sizeBytes - 1 };
        },
      }),
    });
    const upload = await uploaded(coordinator);
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 409,
      problem: { code: 'upload-failed' },
    });
    const status = await coordinator.call('GET', `/v1/uploads/${upload.uploadId}`, { token: upload.token });
    expect(status.answer).toMatchObject({ state: 'FAILED', lastError: expect.stringContaining('integrity') });
    await coordinator.close();
  });

  it('takes nobody else for its own: an object without our write token is no proof', async () => {
    const coordinator = await startCoordinator({
      ...completing(async (store, input) => {
        await store.putObject({
          key: input.key,
          contentType: 'a/b',
          metadata: { 'longhaul-write-token': 'another' },
          body: content,
        });
        return { kind: 'unknown', reason: 'timeout' };
      }),
    });
    const upload = await uploaded(coordinator);
    expect((await coordinator.complete(upload)).status).toBe(202);
    await coordinator.close();
  });
});
