import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateUploadResponse, UploadStatus } from '@longhaul/protocol';
import {
  type Catalog,
  type Clock,
  createListenerSink,
  type ObjectStore,
  ObjectStoreError,
  type StateStore,
  StateStoreError,
  sweep,
} from '../../src/index.ts';
import { systemClock } from '../../src/lib/system-clock.ts';
import { createSqliteStore, type SqliteStore } from '../../src/sqlite.ts';
import {
  put,
  sendParts,
  startCoordinator,
  type TestCoordinator,
  type TestOptions,
} from '../support/start-coordinator.ts';
import { createMovingClock } from '../support/moving-clock.ts';
import { createVolatileState } from '../support/volatile-state.ts';

const MIB = 1024 ** 2;
const content = randomBytes(6 * MIB);
const file = { sizeBytes: content.byteLength, partSizeBytes: 5 * MIB, mode: 'multipart' } as const;
const sha256Of = (text: string): string => createHash('sha256').update(text).digest('hex');

const started: TestCoordinator[] = [];
let memory: SqliteStore;
let state: StateStore;
let reported: unknown[];
beforeEach(async () => {
  memory = createSqliteStore({ path: ':memory:' });
  await memory.catalog.migrate();
  state = createVolatileState();
  reported = [];
});
afterEach(async () => {
  for (const coordinator of started.splice(0)) await coordinator.close();
  await memory.catalog.close();
});

/** A coordinator whose memory the test holds in its hands, with hot state apart as on Redis. */
async function start(
  options: TestOptions & { wrapCatalog?: (catalog: Catalog) => Catalog } = {},
): Promise<TestCoordinator> {
  const { wrapCatalog = (catalog: Catalog) => catalog, ...others } = options;
  const coordinator = await startCoordinator({
    catalog: wrapCatalog(memory.catalog),
    state,
    onError: (error) => reported.push(error),
    ...others,
  });
  started.push(coordinator);
  return coordinator;
}

const statusOf = async (coordinator: TestCoordinator, { uploadId, token }: CreateUploadResponse) =>
  (await coordinator.call<UploadStatus>('GET', `/v1/uploads/${uploadId}`, { token })).answer;

describe('two coordinators on one catalog', () => {
  it('complete an upload once between them, and both give its answer', async () => {
    let attempts = 0;
    const counting = (store: ObjectStore): ObjectStore => ({
      ...store,
      completeMultipartUpload: async (input) => {
        attempts++;
        await sleep(20);
        return await store.completeMultipartUpload(input);
      },
    });
    const one = await start({ wrapStore: counting });
    const two = await start({ objectStore: counting(one.objectStore) });
    const upload = await one.create(file);
    await sendParts(two, upload, content);
    const answers = await Promise.all([one, two, one, two].map((it) => it.complete(upload)));
    expect(attempts).toBe(1);
    for (const { status } of answers) expect([200, 202]).toContain(status);
    const last = await Promise.all([one, two].map((it) => it.complete(upload)));
    expect(last[0]!.answer).toEqual(last[1]!.answer);
  });

  it('leave nothing behind at the store when a create meets a cancel', async () => {
    let cancel = async (): Promise<void> => undefined;
    const one = await start({
      wrapStore: (store) => ({
        ...store,
        createMultipartUpload: async (input) => {
          const created = await store.createMultipartUpload(input);
          await cancel();
          return created;
        },
      }),
    });
    cancel = async () => {
      const { record } = await memory.catalog.insert(await draftLike(one));
      await memory.catalog.beginAbort(record.uploadId, CANCEL);
      await memory.catalog.finishAbort(record.uploadId);
    };
    const created = await one.create({ ...file, createId: CREATE_ID });
    expect(created).toMatchObject({ state: 'CANCELLED', grants: [] });
    expect(await one.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
  });
});

const CANCEL = { to: 'CANCELLED', redriveAfterMs: 60_000 } as const;
const CREATE_ID = randomUUID();
/** A draft that finds the row of CREATE_ID. */
const draftLike = async (coordinator: TestCoordinator) => ({
  uploadId: randomUUID(),
  owner: 'local',
  createId: CREATE_ID,
  requestDigest: '',
  connectorId: 'default',
  name: 'x',
  bucket: coordinator.objectStore.bucket,
  s3Key: randomUUID(),
  writeToken: 'x',
  mode: 'multipart' as const,
  contentType: 'a/b',
  metadata: {},
  plan: { sizeBytes: 1, partSizeBytes: 1, partCount: 1 },
  resumable: false,
  idleLimitMs: 1000,
  pendingLimitMs: 900_000,
});

const PART_1 = { partNumber: 1, sizeBytes: 5 * MIB };

/** An upload whose coordinator died when its attempt was written down, before hot state heard of it; and another coordinator. */
async function dieOverAttempt(clock = createMovingClock()) {
  await memory.catalog.close();
  memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
  await memory.catalog.migrate();
  const dead = new Promise<never>(() => {});
  const dying = await start({
    clock,
    completeAnswerWithinSeconds: 1,
    wrapCatalog: (catalog) => ({
      ...catalog,
      beginCompletion: async (...values) => {
        await catalog.beginCompletion(...values);
        return await dead;
      },
    }),
  });
  const coordinator = await start({ clock, objectStore: dying.objectStore, attemptOverAfterSeconds: 3_600 });
  const request = { ...file, createId: randomUUID() };
  const upload = await dying.create(request);
  await sendParts(dying, upload, content);
  expect(await dying.complete(upload)).toMatchObject({ status: 202 });
  const sweepOnce = () => sweep({ ...coordinator.options, onError: () => undefined });
  return { coordinator, upload, request, sweepOnce, read: dying.read };
}

/** Sends one part and reports it. */
async function sendPart(
  coordinator: TestCoordinator,
  upload: CreateUploadResponse,
  whole: Uint8Array,
  partNumber: number,
): Promise<void> {
  const sizeBytes = partNumber === 1 ? 5 * MIB : whole.byteLength - 5 * MIB;
  const sign = [{ partNumber, sizeBytes }];
  const { answer } = await coordinator.parts(upload, { sign });
  await sendParts(coordinator, upload, whole, answer.grants);
}

describe('hot state that lags behind', () => {
  it('is not brought back to life by a create that was overtaken by a completion', async () => {
    let whileListing = async (): Promise<unknown> => undefined;
    const coordinator = await start({
      wrapStore: (store) => ({
        ...store,
        listParts: async (input) => {
          const parts = await store.listParts(input);
          await whileListing();
          return parts;
        },
      }),
    });
    const request = { ...file, createId: randomUUID() };
    const upload = await coordinator.create(request);
    await sendParts(coordinator, upload, content);
    whileListing = () => coordinator.complete(upload);
    await coordinator.create(request);
    expect((await statusOf(coordinator, upload)).state).toBe('COMPLETED');
    const late = { report: [{ partNumber: 1, sizeBytes: 5 * MIB, etag: '"e"' }] };
    expect(await coordinator.parts(upload, late)).toMatchObject({
      status: 409,
      problem: { code: 'upload-completed' },
    });
  });

  it('is not brought back to life by a creator that was overtaken by a cancel', async () => {
    const coordinator = await start({
      wrapCatalog: (catalog) => ({
        ...catalog,
        saveMultipart: async (uploadId, multipart) => {
          const saved = await catalog.saveMultipart(uploadId, multipart);
          await catalog.beginAbort(uploadId, CANCEL);
          await catalog.finishAbort(uploadId);
          return saved;
        },
      }),
    });
    const upload = await coordinator.create(file);
    expect(await coordinator.parts(upload, {})).toMatchObject({
      status: 409,
      problem: { code: 'upload-cancelled' },
    });
  });

  it('hands out no URL for an upload that ended between two steps of a call', async () => {
    const coordinator = await start({
      state: {
        ...state,
        record: async (uploadId, parts) => {
          await memory.catalog.beginAbort(uploadId, CANCEL);
          await state.remove(uploadId);
          return await state.record(uploadId, parts);
        },
      },
    });
    const upload = await coordinator.create(file);
    const sign = [{ partNumber: 1, sizeBytes: 5 * MIB }];
    expect(await coordinator.parts(upload, { sign })).toMatchObject({
      status: 409,
      problem: { code: 'upload-cancelled' },
    });
  });

  it('is closed again for whoever comes back, after its coordinator died over the attempt', async () => {
    const { coordinator, request } = await dieOverAttempt();
    const back = await coordinator.create(request);
    expect(back).toMatchObject({ state: 'COMPLETING', grants: [] });
    expect(await coordinator.parts(back, { sign: [PART_1] })).toMatchObject({
      status: 409,
      problem: { code: 'upload-completing' },
    });
  });

  it('never makes the URL of a single PUT of a part, when the upload opens again between two looks', async () => {
    let looks = Infinity;
    const coordinator = await start({
      wrapCatalog: (catalog) => ({
        ...catalog,
        find: async (uploadId) => {
          const row = await catalog.find(uploadId);
          // As another's completion leaves it until it was refused.
          return row && looks++ === 0 ? { ...row, state: 'COMPLETING' } : row;
        },
      }),
    });
    const upload = await coordinator.create(file);
    await state.setStatus(upload.uploadId, 'COMPLETING');
    const sign = [{ partNumber: 2, sizeBytes: content.byteLength - 5 * MIB }];
    looks = 0;
    expect(await coordinator.parts(upload, { sign })).toMatchObject({
      status: 409,
      problem: { code: 'upload-completing' },
    });
    const { grants } = (await coordinator.parts(upload, { sign })).answer;
    expect(grants).toMatchObject([{ partNumber: 2, url: expect.stringContaining('partNumber=2') }]);
  });

  it('is opened again by its row, when it was closed and the attempt was never written down', async () => {
    const coordinator = await start();
    const upload = await coordinator.create(file);
    await state.setStatus(upload.uploadId, 'COMPLETING');
    await sendParts(coordinator, upload, content);
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
  });

  it('never mixes parts of an edited file into a completion that was begun with the file before', async () => {
    const clock = createMovingClock();
    const { coordinator, upload, sweepOnce, read } = await dieOverAttempt(clock);
    // Hot state that a failover has thrown back takes it for open, whoever has closed it.
    const edited = Buffer.from(content);
    edited.fill('edited', 0, MIB);
    await sendPart(coordinator, upload, edited, 1);
    clock.pass(60);
    await sweepOnce();
    expect((await memory.catalog.find(upload.uploadId))?.state).toBe('COMPLETING');
    clock.pass(2 * 3600);
    await sweepOnce();
    expect(await memory.catalog.find(upload.uploadId)).toMatchObject({ state: 'UPLOADING' });
    const refused = { status: 409, problem: { code: 'parts-missing', missingParts: [1, 2] } };
    expect(await coordinator.complete(upload)).toMatchObject(refused);
    await sendPart(coordinator, upload, edited, 1);
    expect(await coordinator.complete(upload)).toMatchObject({ problem: { missingParts: [2] } });
    await sendPart(coordinator, upload, edited, 2);
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
    const stored = await read(`connectors/default/${upload.uploadId}`);
    expect(edited.equals(stored)).toBe(true);
  });

  it('is no matter for a completion whose list is what it was', async () => {
    const clock = createMovingClock();
    const { coordinator, upload, sweepOnce } = await dieOverAttempt(clock);
    await sendPart(coordinator, upload, content, 1);
    await state.remove(upload.uploadId);
    clock.pass(60);
    await sweepOnce();
    expect((await memory.catalog.find(upload.uploadId))?.state).toBe('COMPLETED');
  });

  it('lets parts go on while its store is away, and completes them from the listing', async () => {
    const fail = (): Promise<never> => Promise.reject(new StateStoreError('away'));
    const { ping, close } = state;
    const away: StateStore = {
      find: fail,
      parts: fail,
      record: fail,
      restore: fail,
      setStatus: fail,
      remove: fail,
      finish: fail,
      lastActiveAtEpochMs: fail,
      ping,
      close,
    };
    const coordinator = await start({ state: away });
    const upload = await coordinator.create(file);
    await sendParts(coordinator, upload, content);
    const sign = [{ partNumber: 1, sizeBytes: 5 * MIB }];
    expect(await coordinator.parts(upload, { sign })).toMatchObject({
      status: 200,
      answer: { grants: [{ partNumber: 1 }] },
    });
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
    expect(reported.length).toBeGreaterThan(0);
    for (const error of reported) expect(error).toBeInstanceOf(StateStoreError);
  });

  it('costs no completion when its store fails', async () => {
    const fail = (): Promise<never> => Promise.reject(new StateStoreError('away'));
    const coordinator = await start({ state: { ...state, setStatus: fail, finish: fail } });
    const upload = await coordinator.create(file);
    await sendParts(coordinator, upload, content);
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
    expect(reported).toEqual([expect.any(StateStoreError), expect.any(StateStoreError)]);
  });
});

describe('complete', () => {
  it('says nothing of a refusal that came to a driver whom another one has overtaken', async () => {
    const coordinator = await start({
      completionRedriveAfterSeconds: 1,
      wrapStore: (store) => ({
        ...store,
        completeMultipartUpload: async ({ key, s3UploadId, parts, sizeBytes }) => {
          await sleep(1100);
          const uploadId = key.split('/').at(-1)!;
          const other = await memory.catalog.beginCompletion(uploadId, {
            partsDigest: '',
            redriveAfterMs: 1,
          });
          const outcome = await store.completeMultipartUpload({ key, s3UploadId, parts, sizeBytes });
          if (outcome.kind !== 'stored') throw new Error('not stored');
          await memory.catalog.finishCompletion(uploadId, other!.epoch, { ...outcome, proof: 'size' });
          return { kind: 'refused', s3Code: 'InvalidPart', message: 'late' };
        },
        headObject: async () => undefined,
      }),
    });
    const upload = await coordinator.create(file);
    await sendParts(coordinator, upload, content);
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
  });

  it('of a single PUT whose object vanished after the attempt was written down asks for it again', async () => {
    const coordinator = await start({ completionRedriveAfterSeconds: 1 });
    const upload = await coordinator.create({ sizeBytes: 3 });
    // A coordinator died after this and before it wrote down the end; then somebody deleted the object.
    await memory.catalog.beginCompletion(upload.uploadId, { partsDigest: '', redriveAfterMs: 0 });
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 409,
      problem: { code: 'parts-missing', missingParts: [1] },
    });
    expect((await put(upload.grants[0]!, Buffer.from('abc'))).status).toBe(200);
    expect((await coordinator.complete(upload)).status).toBe(200);
  });

  it('of a single PUT honours the cancel that was wished while it was undecided', async () => {
    const coordinator = await start({ grantExpiresInSeconds: 1, singlePutGraceSeconds: 0 });
    const upload = await coordinator.create({ sizeBytes: 3 });
    await memory.catalog.beginCompletion(upload.uploadId, { partsDigest: '', redriveAfterMs: 0 });
    expect(await coordinator.cancel(upload)).toMatchObject({ problem: { code: 'upload-completing' } });
    expect(await coordinator.complete(upload)).toMatchObject({ problem: { code: 'upload-cancelled' } });
    await expect
      .poll(async () => (await coordinator.cancel(upload)).answer.state, { timeout: 5_000 })
      .toBe('CANCELLED');
  });

  it('says what another driver made of an upload that was to be cancelled once it reopened', async () => {
    const coordinator = await start({
      wrapCatalog: (catalog) => ({
        ...catalog,
        beginAbort: async (uploadId, intent) => {
          const lease = { partsDigest: '', redriveAfterMs: 1_000 };
          const other = await catalog.beginCompletion(uploadId, lease);
          await catalog.finishCompletion(uploadId, other!.epoch, { etag: '"x"', proof: 'size' });
          return await catalog.beginAbort(uploadId, intent);
        },
      }),
    });
    const upload = await coordinator.create({ sizeBytes: 3 });
    await memory.catalog.beginCompletion(upload.uploadId, { partsDigest: '', redriveAfterMs: 0 });
    expect(await coordinator.cancel(upload)).toMatchObject({ problem: { code: 'upload-completing' } });
    expect(await coordinator.complete(upload)).toMatchObject({ status: 200, answer: { state: 'COMPLETED' } });
  });

  it('honours a cancel whose upload reopened in a coordinator that died over it', async () => {
    const coordinator = await start();
    const upload = await coordinator.create(file);
    await sendParts(coordinator, upload, content);
    const lease = { partsDigest: '', redriveAfterMs: 0 };
    const { epoch } = (await memory.catalog.beginCompletion(upload.uploadId, lease))!;
    await coordinator.cancel(upload);
    const refusal = { lastError: 'InvalidPart', attemptOverAfterMs: 0, redriveAfterMs: 0 };
    await memory.catalog.refuseCompletion(upload.uploadId, epoch, refusal);
    const { objectStore } = coordinator;
    const tokenKeys = ['a key for tests that is long enough'];
    await sleep(2);
    expect(await sweep({ ...memory, state, objectStore, tokenKeys })).toMatchObject({ aborted: 1 });
    expect((await memory.catalog.find(upload.uploadId))?.state).toBe('CANCELLED');
  });

  it('of a single PUT at whose key another object stands leaves it open to be cancelled', async () => {
    const coordinator = await start();
    const upload = await coordinator.create({ sizeBytes: 3 });
    const key = `connectors/default/${upload.uploadId}`;
    const foreign = { key, contentType: 'a/b', metadata: {}, body: Buffer.from('abc') };
    await coordinator.objectStore.putObject(foreign);
    expect(await coordinator.complete(upload)).toMatchObject({
      status: 409,
      problem: { code: 'completion-refused' },
    });
    expect((await statusOf(coordinator, upload)).state).toBe('UPLOADING');
  });

  it('of a batch answers all within the time of one', async () => {
    let nowEpochMs = 1_000_000;
    const clock: Clock = {
      ...systemClock,
      nowEpochMs: () => nowEpochMs,
      sleep: async (delayMs) => {
        const endsAt = nowEpochMs + delayMs;
        await sleep(5);
        nowEpochMs = Math.max(nowEpochMs, endsAt);
      },
    };
    const coordinator = await start({
      clock,
      wrapStore: (store) => ({ ...store, headObject: () => new Promise(() => undefined) }),
    });
    const created = await Promise.all(Array.from({ length: 20 }, () => coordinator.create({ sizeBytes: 3 })));
    const before = nowEpochMs;
    const uploads = created.map(({ uploadId, token }) => ({ uploadId, token }));
    const { answer } = await coordinator.call<{ uploads: object[] }>('POST', '/v1/uploads/batch/complete', {
      body: { uploads },
    });
    expect(answer.uploads).toHaveLength(20);
    for (const item of answer.uploads) expect(item).toMatchObject({ value: { state: 'COMPLETING' } });
    expect(nowEpochMs - before).toBe(20_000);
  });
});

describe('cancel', () => {
  it('ends an upload that the store has and does not list', async () => {
    const coordinator = await start({
      wrapStore: (store) => ({ ...store, listMultipartUploads: async () => [] }),
    });
    const upload = await coordinator.create(file);
    expect(await coordinator.cancel(upload)).toMatchObject({ answer: { state: 'CANCELLED' } });
    expect((await put(upload.grants[0]!, content.subarray(0, 5 * MIB))).status).toBe(404);
  });

  it('is repeated while parts land after the abort', async () => {
    let lists = 0;
    let aborts = 0;
    const coordinator = await start({
      wrapStore: (store) => ({
        ...store,
        listParts: async (input) => (lists++ === 0 ? [] : await store.listParts(input)),
        abortMultipartUpload: async (input) => (aborts++, await store.abortMultipartUpload(input)),
      }),
    });
    const upload = await coordinator.create(file);
    expect(await coordinator.cancel(upload)).toMatchObject({ answer: { state: 'CANCELLED' } });
    expect(aborts).toBe(2);
  });
});

describe('create again', () => {
  const fingerprint = sha256Of('a file');

  it.each([
    ['the same createId', true],
    ['another one', false],
  ])('with %s lets go of an upload that the store has dropped', async (_what, isSame) => {
    const coordinator = await start();
    const request = { ...file, createId: randomUUID(), fingerprint };
    const dropped = await coordinator.create(request);
    const [open] = await coordinator.objectStore.listMultipartUploads({ prefix: '' });
    await coordinator.objectStore.abortMultipartUpload(open!);
    const again = await coordinator.create(isSame ? request : { ...request, createId: randomUUID() });
    if (isSame) expect(again).toMatchObject({ uploadId: dropped.uploadId, state: 'EXPIRED', grants: [] });
    const fresh = isSame ? await coordinator.create({ ...request, createId: randomUUID() }) : again;
    expect(fresh).toMatchObject({ state: 'UPLOADING', resumed: false });
    await sendParts(coordinator, fresh, content);
    expect((await coordinator.complete(fresh)).status).toBe(200);
  });

  it('keeps an upload that only one of the two listings does not show', async () => {
    const coordinator = await start({
      wrapStore: (store) => ({ ...store, listParts: async () => undefined }),
    });
    const request = { ...file, createId: randomUUID(), fingerprint };
    const { uploadId } = await coordinator.create(request);
    expect(await coordinator.create(request)).toMatchObject({ uploadId, state: 'UPLOADING' });
  });

  it('with another digest of the whole is another content, whatever the fingerprint samples', async () => {
    const coordinator = await start();
    const digest = (text: string) =>
      ({ algorithm: 'MD5', value: createHash('md5').update(text).digest('base64') }) as const;
    const request = { sizeBytes: 3, fingerprint };
    const first = await coordinator.create({ ...request, checksum: digest('foo') });
    expect(await coordinator.create({ ...request, checksum: digest('foo') })).toMatchObject({
      uploadId: first.uploadId,
    });
    const second = await coordinator.create({ ...request, checksum: digest('bar') });
    expect(second).toMatchObject({ resumed: false });
    expect((await put(second.grants[0]!, Buffer.from('bar'))).status).toBe(200);
  });

  it('goes on from PENDING when its creator died, with the same file by another createId', async () => {
    let dies = true;
    const coordinator = await start({
      wrapStore: (store) => ({
        ...store,
        createMultipartUpload: async (input) => {
          const created = await store.createMultipartUpload(input);
          if (dies) throw new ObjectStoreError('unreachable', 'the answer was lost');
          return created;
        },
      }),
    });
    const request = () => ({ ...file, name: 'x', createId: randomUUID(), fingerprint });
    expect(await coordinator.call('POST', '/v1/uploads', { body: request() })).toMatchObject({
      status: 503,
      problem: { code: 'store-unreachable' },
    });
    dies = false;
    const upload = await coordinator.create(request());
    expect(upload).toMatchObject({ state: 'UPLOADING', resumed: true });
    await sendParts(coordinator, upload, content);
    expect((await coordinator.complete(upload)).status).toBe(200);
  });
});

describe('activity', () => {
  it('keeps no part waiting for a catalog that does not answer, and is told again a minute later', async () => {
    let calls = 0;
    let nowEpochMs = Date.now();
    const coordinator = await start({
      clock: { ...systemClock, nowEpochMs: () => nowEpochMs },
      wrapCatalog: (catalog) => ({
        ...catalog,
        recordActivity: () =>
          ++calls === 1 ? Promise.reject(new Error('away')) : new Promise(() => undefined),
      }),
    });
    const upload = await coordinator.create(file);
    expect((await coordinator.parts(upload, {})).status).toBe(200);
    // A new upload has its whole span before it.
    expect(calls).toBe(0);
    nowEpochMs += 10 * 3_600_000;
    for (let round = 0; round < 3; round++) expect((await coordinator.parts(upload, {})).status).toBe(200);
    expect(calls).toBe(1);
    nowEpochMs += 61_000;
    for (let round = 0; round < 3; round++) expect((await coordinator.parts(upload, {})).status).toBe(200);
    expect(calls).toBe(2);
    expect(reported).toEqual([expect.objectContaining({ message: 'away' })]);
  });
});

describe('a coordinator of another bucket', () => {
  it('touches nothing of an upload that it cannot see, and says so', async () => {
    const one = await start();
    const request = { ...file, createId: randomUUID(), name: 'x' };
    const upload = await one.create(request);
    await sendParts(one, upload, content);
    const other = await start({ wrapStore: (store) => ({ ...store, bucket: 'another' }) });
    expect(await other.call('POST', '/v1/uploads', { body: request })).toMatchObject({
      problem: { code: 'create-conflict' },
    });
    for (const answer of [await other.complete(upload), await other.cancel(upload)])
      expect(answer).toMatchObject({ status: 404, problem: { code: 'upload-not-found' } });
    expect(await one.complete(upload)).toMatchObject({ answer: { state: 'COMPLETED' } });
  });
});

describe('sinks', () => {
  it('must have names of their own: events remember by them who was told', async () => {
    const sink = createListenerSink(() => undefined);
    await expect(start({ sinks: [sink, sink] })).rejects.toThrow(/two named "listener"/);
  });
});

describe('an inline payload', () => {
  const md5 = (value: string) => ({ algorithm: 'MD5', value }) as const;
  const foo = { name: 'x', sizeBytes: 3, payload: Buffer.from('foo').toString('base64') };

  it('is compared with the digest that came with it', async () => {
    const coordinator = await start();
    const wrong = [md5('N7UdGUp1E+RbVvZSTy1R8g=='), { algorithm: 'CRC32', value: 'AAAAAA==' }];
    for (const checksum of wrong) {
      const body = { ...foo, createId: randomUUID(), checksum };
      expect(await coordinator.call('POST', '/v1/uploads', { body })).toMatchObject({
        status: 400,
        problem: { code: 'payload-mismatch' },
      });
    }
    for (const checksum of [
      md5('rL0Y20zC+Fzt72VPzMSk2A=='),
      { algorithm: 'CRC32', value: 'jHNlIQ==' } as const,
    ])
      expect(await coordinator.create({ ...foo, checksum })).toMatchObject({ state: 'COMPLETED' });
  });

  it.each(['CANCELLED', 'FAILED', 'ABORTING'] as const)(
    'sent again to an upload in %s changes nothing',
    async (end) => {
      const coordinator = await start({
        wrapStore: (store) => ({
          ...store,
          putObject: async () => {
            throw new ObjectStoreError('unreachable', 'away');
          },
        }),
      });
      const request = { ...foo, createId: randomUUID() };
      const { problem } = await coordinator.call('POST', '/v1/uploads', { body: request });
      expect(problem.code).toBe('store-unreachable');
      const row = await memory.catalog.insert({
        ...(await draftLike(coordinator)),
        createId: request.createId,
      });
      const { uploadId } = row.record;
      if (end === 'FAILED') {
        const attempt = await memory.catalog.beginCompletion(uploadId, {
          partsDigest: '',
          redriveAfterMs: 1,
        });
        await memory.catalog.fail(uploadId, attempt!.epoch, { lastError: 'test', quietForMs: 0 });
      } else await memory.catalog.beginAbort(uploadId, CANCEL);
      if (end === 'CANCELLED') await memory.catalog.finishAbort(uploadId);
      expect(await coordinator.create(request)).toMatchObject({ uploadId, state: end, grants: [] });
    },
  );
});
