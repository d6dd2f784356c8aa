/** Complete objects that are given another encryption by a copy at the store. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Problem, RotationStatus, UploadStatus } from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CoordinatorOptions,
  createCoordinator,
  createListenerSink,
  type ObjectStore,
  ObjectStoreError,
  reconcile,
  relay,
  sweep,
} from '../../src/index.ts';
import { createEnvelopeSealer, createKeyVault, type KeyVault, readMasterKeys } from '../../src/key-vault.ts';
import { formsOf } from '../../src/lib/testing/secret-forms.ts';
import { createSqliteStore, type SqliteStore } from '../../src/sqlite.ts';
import { mortal } from '../support/mortal.ts';
import { createMovingClock, type MovingClock } from '../support/moving-clock.ts';
import { put, sha256, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;

interface TestKey {
  readonly base64: string;
  readonly wish: { mode: 'sse-c'; customerKeyMd5: string; customerKey: string };
}

function newKey(): TestKey {
  const bytes = randomBytes(32);
  const base64 = bytes.toString('base64');
  const customerKeyMd5 = createHash('md5').update(bytes).digest('base64');
  return { base64, wish: { mode: 'sse-c', customerKeyMd5, customerKey: base64 } };
}

let clock: MovingClock;
let memory: SqliteStore;
let keyVault: KeyVault;
let coordinator: TestCoordinator;
let events: { type: string; data: { key: string; previousKey?: string } }[];
let said: unknown[];

beforeEach(async () => {
  clock = createMovingClock();
  [events, said] = [[], []];
  memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
  await memory.catalog.migrate();
  keyVault = createKeyVault({
    sealer: createEnvelopeSealer({
      masterKeys: readMasterKeys(`test:${randomBytes(32).toString('base64')}`),
    }),
    storage: memory.sealedKeys,
    onAudit: (event) => void said.push(event),
  });
  await start();
});
afterEach(() => coordinator.close());

async function start(options: Partial<CoordinatorOptions> = {}): Promise<void> {
  coordinator = await startCoordinator({
    ...memory,
    keyVault,
    clock,
    sinks: [createListenerSink((event) => void events.push(event))],
    wrapStore: withSmallCopies,
    onError: (error) => void said.push(String(error)),
    ...options,
  });
}

/** 12 MiB are three parts here. */
function withSmallCopies(store: ObjectStore): ObjectStore {
  return { ...store, profile: { ...store.profile, maxCopySizeBytes: 5 * MIB } };
}

interface Uploaded {
  readonly nodeId: string;
  readonly key: string;
  readonly token: string;
  readonly content: Uint8Array;
}

/** An object, under a key of the caller's if there is one: begun as such by a client that has it. */
async function upload(sizeBytes: number, key?: TestKey): Promise<Uploaded> {
  const encryption = key && { mode: key.wish.mode, customerKeyMd5: key.wish.customerKeyMd5 };
  const created = await coordinator.create({
    sizeBytes,
    mode: 'single',
    ...(encryption && { encryption }),
  });
  const content = randomBytes(sizeBytes);
  const header = key && { 'x-amz-server-side-encryption-customer-key': key.base64 };
  expect((await put(created.grants[0]!, content, header)).status).toBe(200);
  const { answer } = await coordinator.complete(created);
  if (answer.state !== 'COMPLETED') throw new Error(`complete answered ${answer.state}`);
  return { nodeId: created.uploadId, key: answer.result.key, token: created.token, content };
}

const rotate = (nodeId: string, body: object, by: TestCoordinator['call'] = coordinator.call) =>
  by<RotationStatus & Problem>('POST', `/v1/objects/${nodeId}/rotate`, {
    body: { rotationId: randomUUID(), ...body },
  });
const statusOf = (nodeId: string) =>
  coordinator.call<RotationStatus & Problem>('GET', `/v1/objects/${nodeId}/rotation`);

async function expectContent({ content }: Uploaded, key: string, customerKey?: string): Promise<void> {
  expect(sha256(await coordinator.read(key, customerKey))).toBe(sha256(content));
}

describe('rotating an object', () => {
  it('copies it to another key, switches the row, tells so, and deletes the old one', async () => {
    const object = await upload(1000);
    const { status, answer } = await rotate(object.nodeId, { encryption: { mode: 'sse-s3' } });
    expect([status, answer]).toMatchObject([
      200,
      {
        state: 'DONE',
        generation: 1,
        partCount: 1,
        sizeBytes: 1000,
        copiedBytes: 1000,
        encryption: { mode: 'sse-s3' },
        result: { key: `${object.key}.1`, encryption: { mode: 'sse-s3' }, sizeBytes: 1000 },
      },
    ]);
    await expectContent(object, `${object.key}.1`);
    expect(await coordinator.get(`${object.key}.1`)).toMatchObject({ ServerSideEncryption: 'AES256' });
    await expect(coordinator.read(object.key)).rejects.toThrow(/exist/);
    const { nodeId, token } = object;
    const shown = await coordinator.call<UploadStatus>('GET', `/v1/uploads/${nodeId}`, { token });
    expect(shown.answer.result).toEqual(answer.result);
    expect((await statusOf(nodeId)).answer).toEqual(answer);
    await relay(coordinator.options);
    await relay(coordinator.options);
    expect(events.map(({ type, data }) => [type, data.key, data.previousKey])).toEqual([
      ['io.longhaul.upload.completed.v1', object.key, undefined],
      ['io.longhaul.encryption.rotated.v1', `${object.key}.1`, object.key],
    ]);
  });

  it('goes by parts above what the store copies at once, from key to key, and says no key', async () => {
    const [old, next] = [newKey(), newKey()];
    const object = await upload(12 * MIB, old);
    const wish = { encryption: next.wish, oldCustomerKey: old.base64, deleteVersions: true };
    const { status, answer } = await rotate(object.nodeId, wish);
    expect([status, answer]).toMatchObject([200, { state: 'DONE', partCount: 3, copiedPartCount: 3 }]);
    await expectContent(object, `${object.key}.1`, next.base64);
    await expect(coordinator.read(`${object.key}.1`, old.base64)).rejects.toThrow();
    await relay(coordinator.options);
    await relay(coordinator.options);
    const all = JSON.stringify([answer, (await statusOf(object.nodeId)).answer, events, said]);
    for (const key of [old, next])
      for (const [form, text] of formsOf(Buffer.from(key.base64, 'base64')))
        expect(all.includes(text), form).toBe(false);
    // The vault has forgotten them.
    for (const which of ['old', 'new'])
      expect(
        await keyVault.get(`${object.nodeId}.1:${which}`, { owner: 'local', purpose: 'rotate' }),
      ).toBeUndefined();
  });

  it('of nothing, of which there is no part to copy', async () => {
    const object = await upload(0);
    const next = newKey();
    const { answer } = await rotate(object.nodeId, { encryption: next.wish });
    expect(answer).toMatchObject({ state: 'DONE', partCount: 1, copiedPartCount: 1 });
    await expectContent(object, `${object.key}.1`, next.base64);
    await expect(coordinator.read(`${object.key}.1`)).rejects.toThrow();
  });

  it('is answered as before when it is asked for again, and goes on from there under a new id', async () => {
    const [first, second] = [newKey(), newKey()];
    const object = await upload(1000);
    const request = { rotationId: randomUUID(), encryption: first.wish };
    const { answer } = await rotate(object.nodeId, request);
    expect((await rotate(object.nodeId, request)).answer).toEqual(answer);
    const again = await rotate(object.nodeId, { encryption: second.wish, oldCustomerKey: first.base64 });
    expect(again.answer).toMatchObject({ state: 'DONE', generation: 2, result: { key: `${object.key}.2` } });
    await expectContent(object, `${object.key}.2`, second.base64);
    await expect(coordinator.read(`${object.key}.1`, first.base64)).rejects.toThrow(/exist/);
  });

  it('is answered as before under another id, too, once the object has the key that is asked for', async () => {
    const [old, next] = [newKey(), newKey()];
    const object = await upload(1000, old);
    const { answer } = await rotate(object.nodeId, { encryption: next.wish, oldCustomerKey: old.base64 });
    // What was cut off knows no more than its keys.
    const again = await rotate(object.nodeId, { encryption: next.wish, oldCustomerKey: old.base64 });
    expect([again.status, again.answer]).toEqual([200, answer]);
    await expectContent(object, `${object.key}.1`, next.base64);
  });

  it('of two at once lets one win, and its key opens the object', async () => {
    const old = newKey();
    const object = await upload(12 * MIB, old);
    const rivals = [newKey(), newKey(), newKey()];
    const answers = await Promise.all(
      rivals.map((rival) => rotate(object.nodeId, { encryption: rival.wish, oldCustomerKey: old.base64 })),
    );
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([
      200, 409, 409,
    ]);
    const winner = rivals[answers.findIndex(({ status }) => status === 200)]!;
    expect(answers.find(({ status }) => status === 409)?.problem).toMatchObject({ code: 'rotation-open' });
    await expectContent(object, `${object.key}.1`, winner.base64);
    const loser = rivals.find((rival) => rival !== winner)!;
    const late = await rotate(object.nodeId, { encryption: loser.wish, oldCustomerKey: old.base64 });
    expect(late.problem).toMatchObject({ status: 400, code: 'customer-key-mismatch' });
  });
});

describe('a rotation that is refused', () => {
  it('names what is missing, and changes nothing', async () => {
    const [old, next] = [newKey(), newKey()];
    const object = await upload(1000, old);
    const bare = { mode: 'sse-c', customerKeyMd5: next.wish.customerKeyMd5 };
    const refusals = [
      [{ encryption: next.wish }, 400, 'customer-key-needed'],
      [{ encryption: bare, oldCustomerKey: old.base64 }, 400, 'customer-key-needed'],
      [{ encryption: next.wish, oldCustomerKey: next.base64 }, 400, 'customer-key-mismatch'],
      [
        { encryption: { ...next.wish, customerKey: old.base64 }, oldCustomerKey: old.base64 },
        400,
        'customer-key-mismatch',
      ],
      [{ encryption: next.wish, oldCustomerKey: 'short' }, 400, 'bad-request'],
      [{ encryption: next.wish, oldCustomerKey: old.base64, more: 1 }, 400, 'bad-request'],
      [{ oldCustomerKey: old.base64 }, 400, 'bad-request'],
    ] as const;
    for (const [body, status, code] of refusals)
      expect((await rotate(object.nodeId, body)).problem, code).toMatchObject({ status, code });
    expect((await statusOf(object.nodeId)).problem).toMatchObject({
      status: 404,
      code: 'rotation-not-found',
    });
    await expectContent(object, object.key, old.base64);
  });

  it('is one of an upload that is not complete, or that is nobody’s', async () => {
    const open = await coordinator.create({ sizeBytes: 6 * MIB, mode: 'multipart' });
    const encryption = { mode: 'sse-s3' };
    expect((await rotate(open.uploadId, { encryption })).problem).toMatchObject({
      status: 409,
      code: 'upload-incomplete',
    });
    expect((await rotate(randomUUID(), { encryption })).problem).toMatchObject({ status: 404 });
  });

  it('is one of another owner, who is told no more than of one that is not there', async () => {
    const object = await upload(1000);
    const other = createCoordinator({ ...coordinator.options, authorize: () => 'somebody else' });
    const ask = async (path: string, init?: RequestInit) => {
      const response = await other.request(`http://localhost/v1/objects/${path}`, init);
      return { status: response.status, code: ((await response.json()) as Problem).code };
    };
    const body = JSON.stringify({ rotationId: randomUUID(), encryption: { mode: 'sse-s3' } });
    const refusal = { status: 404, code: 'upload-not-found' };
    expect(await ask(`${object.nodeId}/rotate`, { method: 'POST', body })).toEqual(refusal);
    await rotate(object.nodeId, { encryption: { mode: 'sse-s3' } });
    expect(await ask(`${object.nodeId}/rotation`)).toEqual(refusal);
    const stranger = createCoordinator({ ...coordinator.options, authorize: () => undefined });
    const response = await stranger.request(`http://localhost/v1/objects/${object.nodeId}/rotation`);
    expect(response.status).toBe(401);
  });

  it('is one from a key where the store copies none, and from a key that came in the clear', async () => {
    const old = newKey();
    const object = await upload(1000, old);
    const wish = { encryption: { mode: 'sse-s3' }, oldCustomerKey: old.base64 };
    const { objectStore } = coordinator.options;
    const profile = { ...objectStore.profile, ssecCopy: false };
    const blunt = createCoordinator({ ...coordinator.options, objectStore: { ...objectStore, profile } });
    const post = async (app: typeof blunt, origin: string) => {
      const body = JSON.stringify({ rotationId: randomUUID(), ...wish });
      const url = `${origin}/v1/objects/${object.nodeId}/rotate`;
      return (await (await app.request(url, { method: 'POST', body })).json()) as Problem;
    };
    expect(await post(blunt, 'http://localhost')).toMatchObject({
      status: 400,
      code: 'rotation-unsupported',
    });
    const owned = createCoordinator({ ...coordinator.options, authorize: () => 'local' });
    expect(await post(owned, 'http://uploads.example.com')).toMatchObject({
      status: 400,
      code: 'bad-request',
    });
    expect(await post(owned, 'https://uploads.example.com')).toMatchObject({ state: 'DONE' });
  });

  it('fails when the object is gone at the store, says so, and leaves nothing', async () => {
    const object = await upload(12 * MIB);
    await coordinator.objectStore.deleteObject({ key: object.key });
    const refused = await rotate(object.nodeId, { encryption: { mode: 'sse-s3' } });
    expect(refused.problem).toMatchObject({
      status: 409,
      code: 'rotation-failed',
      detail: expect.stringContaining('NoSuchKey'),
    });
    await sweep(coordinator.options);
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: object.key })).toEqual([]);
    expect((await statusOf(object.nodeId)).answer).toMatchObject({ state: 'FAILED' });
    const { catalog } = coordinator.options;
    expect(await catalog.find(object.nodeId)).toMatchObject({ s3Key: object.key });
  });
});

describe('a rotation that goes on', () => {
  it('is told by sweeps, and its copy is nothing unknown', async () => {
    const object = await upload(6 * MIB);
    const { options } = coordinator;
    const away: CoordinatorOptions = {
      ...options,
      objectStore: {
        ...options.objectStore,
        copyPart: async () => {
          throw new ObjectStoreError('unreachable', 'away');
        },
      },
    };
    const app = createCoordinator(away);
    const url = `http://localhost/v1/objects/${object.nodeId}/rotate`;
    const body = JSON.stringify({ rotationId: randomUUID(), encryption: { mode: 'sse-s3' } });
    expect((await app.request(url, { method: 'POST', body })).status).toBe(202);
    const verdicts = async () => {
      const { uploads } = await reconcile(options);
      return uploads.map(({ key, verdict }) => [key, verdict]);
    };
    expect(await verdicts()).toEqual([[`${object.key}.1`, 'driven']]);
    clock.pass(301);
    expect(await sweep(away)).toMatchObject({ rotated: 0, rotating: 1 });
    clock.pass(301);
    expect(await sweep(options)).toMatchObject({ rotated: 1, rotating: 0 });
    expect((await statusOf(object.nodeId)).answer).toMatchObject({ state: 'DONE' });
    expect(await sweep(options)).toMatchObject({ rotated: 0, rotating: 0 });
    expect(await verdicts()).toEqual([]);
  });
});

describe('a rotation whose process dies', () => {
  /** Dies at the n-th call; answers what was called, so that the last place is known. */
  async function rotateAndDie(
    object: Uploaded,
    body: object,
    dieAt: number,
    isAfter: boolean,
  ): Promise<readonly string[]> {
    const { calls, options } = mortal(coordinator.options, dieAt, isAfter);
    const app = createCoordinator(options);
    const url = `http://localhost/v1/objects/${object.nodeId}/rotate`;
    const answered = Promise.resolve(app.request(url, { method: 'POST', body: JSON.stringify(body) }));
    for (let isOver = false; !isOver && calls.length < dieAt;)
      isOver = await Promise.race([
        answered.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 5, false)),
      ]);
    // The call that it dies of has its effect first.
    if (isAfter) await new Promise((resolve) => setTimeout(resolve, 40));
    return calls;
  }

  for (const isAfter of [false, true])
    it(
      `${isAfter ? 'after' : 'before'} any of its calls: another ends it, with one object and its new key`,
      { timeout: 120_000 },
      async () => {
        const met = new Set<string>();
        for (let dieAt = 1; ; dieAt++) {
          const [old, next] = [newKey(), newKey()];
          const object = await upload(6 * MIB, old);
          const body = { rotationId: randomUUID(), encryption: next.wish, oldCustomerKey: old.base64 };
          const calls = await rotateAndDie(object, body, dieAt, isAfter);
          if (calls.length < dieAt) break;
          met.add(calls[dieAt - 1]!);
          clock.pass(61);
          await sweep(coordinator.options);
          const { rotations } = coordinator.options.catalog;
          const left = await rotations.find(object.nodeId);
          // Where it died before the keys were kept, only its caller can bring them again; and if there is no row, begin it.
          const isKept = left === undefined || left.state === 'PENDING' || left.state === 'COPYING';
          const where = `${dieAt} ${calls[dieAt - 1]}`;
          if (isKept)
            expect((await rotate(object.nodeId, body)).answer, where).toMatchObject({ state: 'DONE' });
          expect(await rotations.find(object.nodeId), where).toMatchObject({ state: 'DONE', generation: 1 });
          await expectContent(object, `${object.key}.1`, next.base64);
          await expect(coordinator.read(object.key, old.base64), where).rejects.toThrow(/exist/);
          expect(await coordinator.objectStore.listMultipartUploads({ prefix: object.key }), where).toEqual(
            [],
          );
        }
        for (const call of [
          'rotations.insert',
          'rotations.take',
          'vault.put',
          'store.createMultipartUpload',
          'rotations.saveCopy',
          'store.copyPart',
          'rotations.recordComplete',
          'store.completeMultipartUpload',
          'store.headObject',
          'rotations.switchObject',
          'store.deleteObject',
          'vault.delete',
          'rotations.finish',
        ])
          expect([...met]).toContain(call);
      },
    );

  it('is ended by a sweep alone, with the keys of the vault, and copies no part twice', async () => {
    const [old, next] = [newKey(), newKey()];
    const object = await upload(12 * MIB, old);
    const body = { rotationId: randomUUID(), encryption: next.wish, oldCustomerKey: old.base64 };
    let copied = 0;
    const counted = (store: ObjectStore, most: number): ObjectStore => ({
      ...store,
      async copyPart(input) {
        if (++copied > most) return await new Promise(() => {});
        return await store.copyPart(input);
      },
    });
    const { options } = coordinator;
    const dying = createCoordinator({
      ...options,
      objectStore: counted(options.objectStore, 2),
      completeAnswerWithinSeconds: 1,
    });
    const response = await dying.request(`http://localhost/v1/objects/${object.nodeId}/rotate`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    expect([response.status, response.headers.get('retry-after')]).toEqual([202, '2']);
    expect(await statusOf(object.nodeId)).toMatchObject({
      status: 200,
      answer: { state: 'COPYING', retryAfterSeconds: 2 },
    });
    copied = 0;
    const survivor = { ...options, objectStore: counted(options.objectStore, 10) };
    await sweep(survivor);
    expect(copied, 'nobody takes it while it may be driven').toBe(0);
    clock.pass(61);
    await sweep(survivor);
    expect(copied).toBe(1);
    expect((await statusOf(object.nodeId)).answer).toMatchObject({ state: 'DONE' });
    await expectContent(object, `${object.key}.1`, next.base64);
  });

  it('waits for its caller to bring the keys again where there is no vault', async () => {
    const { keyVault: _, ...options } = coordinator.options;
    const [old, next] = [newKey(), newKey()];
    const object = await upload(6 * MIB, old);
    const body = { rotationId: randomUUID(), encryption: next.wish, oldCustomerKey: old.base64 };
    const stuck = { ...options.objectStore, copyPart: () => new Promise<never>(() => {}) };
    await createCoordinator({ ...options, objectStore: stuck, completeAnswerWithinSeconds: 1 }).request(
      `http://localhost/v1/objects/${object.nodeId}/rotate`,
      { method: 'POST', body: JSON.stringify(body) },
    );
    clock.pass(61);
    await sweep(options);
    expect((await statusOf(object.nodeId)).answer).toMatchObject({
      state: 'COPYING',
      lastError: expect.stringContaining('keys'),
    });
    expect((await rotate(object.nodeId, body)).answer).toMatchObject({ state: 'DONE' });
    await expectContent(object, `${object.key}.1`, next.base64);
  });
});

describe('a rotation whose key is lost', () => {
  /** Its driver is gone, and its keys with it. */
  async function leaveOne(options: CoordinatorOptions, object: Uploaded, body: object): Promise<void> {
    const stuck = { ...options.objectStore, copyPart: () => new Promise<never>(() => {}) };
    await createCoordinator({ ...options, objectStore: stuck, completeAnswerWithinSeconds: 1 }).request(
      `http://localhost/v1/objects/${object.nodeId}/rotate`,
      { method: 'POST', body: JSON.stringify({ rotationId: randomUUID(), ...body }) },
    );
  }

  it('makes room for another once nobody drives it, and leaves nothing', async () => {
    const { keyVault: _, ...options } = coordinator.options;
    const [old, lost, next] = [newKey(), newKey(), newKey()];
    const object = await upload(6 * MIB, old);
    const rotationId = randomUUID();
    await leaveOne(options, object, { rotationId, encryption: lost.wish, oldCustomerKey: old.base64 });
    const other = { encryption: next.wish, oldCustomerKey: old.base64 };
    expect((await rotate(object.nodeId, other)).problem).toMatchObject({ code: 'rotation-open' });
    clock.pass(61);
    // Whoever cannot have it begun does not end the other one.
    const wrong = { ...other, oldCustomerKey: lost.base64 };
    expect((await rotate(object.nodeId, wrong)).problem).toMatchObject({ code: 'customer-key-mismatch' });
    const rivals = [next, newKey()].map((rival) =>
      rotate(object.nodeId, { ...other, encryption: rival.wish }),
    );
    const statuses = (await Promise.all(rivals)).map(({ status }) => status);
    expect(statuses.toSorted((one, two) => one - two)).toEqual([200, 409]);
    expect((await statusOf(object.nodeId)).answer).toMatchObject({ state: 'DONE', generation: 2 });
    const brought = { rotationId, encryption: lost.wish, oldCustomerKey: old.base64 };
    expect((await rotate(object.nodeId, brought)).problem).toMatchObject({
      code: 'rotation-failed',
      detail: expect.stringContaining('given up for another'),
    });
    await sweep(options);
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: '' })).toEqual([]);
    expect(await coordinator.objectStore.findListed({ key: `${object.key}.1` })).toBeUndefined();
  });

  it('is not given up while the vault has its keys', async () => {
    const { options } = coordinator;
    const [old, kept, next] = [newKey(), newKey(), newKey()];
    const object = await upload(6 * MIB, old);
    await leaveOne(options, object, { encryption: kept.wish, oldCustomerKey: old.base64 });
    clock.pass(61);
    const other = { encryption: next.wish, oldCustomerKey: old.base64 };
    expect((await rotate(object.nodeId, other)).problem).toMatchObject({ code: 'rotation-open' });
    await sweep(options);
    await expectContent(object, `${object.key}.1`, kept.base64);
  });
});

describe('what comes late', () => {
  it('is no copy that stands where one was deleted', async () => {
    const object = await upload(1000);
    const { options } = coordinator;
    const { objectStore: store } = options;
    let late: (() => Promise<void>) | undefined;
    // The first copy is answered by nobody, and done later: the store has read what it copies.
    const copyPart: ObjectStore['copyPart'] = async (input) => {
      if (late) return await store.copyPart(input);
      const read = { key: 'read', contentType: 'text/plain', metadata: {} };
      await store.putObject({ ...read, body: object.content });
      late = () => store.copyPart({ ...input, source: { key: read.key } });
      throw new ObjectStoreError('unreachable', 'ECONNRESET');
    };
    const app = createCoordinator({ ...options, objectStore: { ...store, copyPart } });
    for (const generation of [1, 2]) {
      const body = JSON.stringify({ rotationId: randomUUID(), encryption: { mode: 'sse-s3' } });
      let status: Partial<RotationStatus> = {};
      for (let asks = 0; asks < 3 && status.state !== 'DONE'; asks++) {
        const url = `http://localhost/v1/objects/${object.nodeId}/rotate`;
        status = (await (await app.request(url, { method: 'POST', body })).json()) as RotationStatus;
      }
      expect(status).toMatchObject({ state: 'DONE', generation });
    }
    await late?.().catch(() => undefined);
    expect(await store.headObject({ key: `${object.key}.1` })).toBeUndefined();
    expect(await store.headObject({ key: `${object.key}.2` })).toMatchObject({ sizeBytes: 1000 });
  });

  it('is no PUT that brings the old object back', async () => {
    const created = await coordinator.create({ sizeBytes: 1000, mode: 'single' });
    const content = randomBytes(1000);
    await put(created.grants[0]!, content);
    await coordinator.complete(created);
    const { answer } = await rotate(created.uploadId, { encryption: { mode: 'sse-s3' } });
    expect(answer.state).toBe('DONE');
    const key = answer.result!.key.replace(/\.1$/, '');
    expect((await put(created.grants[0]!, content)).status).toBe(200);
    clock.pass(created.grants[0]!.expiresInSeconds - 1);
    await sweep(coordinator.options);
    expect(await coordinator.objectStore.headObject({ key })).toBeDefined();
    clock.pass(3600);
    await sweep(coordinator.options);
    expect(await coordinator.objectStore.headObject({ key })).toBeUndefined();
    expect(await coordinator.objectStore.headObject({ key: `${key}.1` })).toBeDefined();
    const { rotations } = coordinator.options.catalog;
    expect((await rotations.find(created.uploadId))?.nextAttemptAtEpochMs).toBeUndefined();
  });

  it('is no upload of a repeated create, before the rotation or after it', async () => {
    const { nodeId, key } = await upload(1000);
    const stray = { key, contentType: 'text/plain', metadata: {} };
    await coordinator.objectStore.createMultipartUpload(stray);
    await rotate(nodeId, { encryption: { mode: 'sse-s3' } });
    expect(await coordinator.objectStore.listMultipartUploads({ prefix: key })).toEqual([]);
  });

  it('is no second copy beside that of a slower driver', async () => {
    const object = await upload(12 * MIB);
    const body = JSON.stringify({ rotationId: randomUUID(), encryption: { mode: 'sse-s3' } });
    const { options } = coordinator;
    const { objectStore } = options;
    const dying: ObjectStore = {
      ...objectStore,
      async completeMultipartUpload(input) {
        await objectStore.completeMultipartUpload(input);
        return await new Promise(() => {});
      },
    };
    await createCoordinator({ ...options, objectStore: dying, completeAnswerWithinSeconds: 1 }).request(
      `http://localhost/v1/objects/${object.nodeId}/rotate`,
      { method: 'POST', body },
    );
    clock.pass(61);
    let [heads, begun] = [0, 0];
    await sweep({
      ...options,
      objectStore: {
        ...objectStore,
        // It is asked just before the copy is there.
        headObject: async (input) => (heads++ === 0 ? undefined : await objectStore.headObject(input)),
        createMultipartUpload: async (input) => {
          begun++;
          return await objectStore.createMultipartUpload(input);
        },
      },
    });
    expect((await statusOf(object.nodeId)).answer).toMatchObject({ state: 'DONE' });
    expect(begun).toBe(0);
  });
});

it('knows a copy by its key where the store drops the metadata of what is made of parts', async () => {
  const object = await upload(12 * MIB);
  const { options } = coordinator;
  const forgetful: ObjectStore = {
    ...options.objectStore,
    createMultipartUpload: (input) => options.objectStore.createMultipartUpload({ ...input, metadata: {} }),
  };
  const app = createCoordinator({ ...options, objectStore: forgetful });
  const response = await app.request(`http://localhost/v1/objects/${object.nodeId}/rotate`, {
    method: 'POST',
    body: JSON.stringify({ rotationId: randomUUID(), encryption: { mode: 'sse-s3' } }),
  });
  expect(await response.json()).toMatchObject({ state: 'DONE' });
  await expectContent(object, `${object.key}.1`);
});

it('rotates an object of nothing', async () => {
  const next = newKey();
  const object = await upload(0);
  const { answer } = await rotate(object.nodeId, { encryption: next.wish });
  expect(answer).toMatchObject({ state: 'DONE', result: { sizeBytes: 0, encryption: { mode: 'sse-c' } } });
  await expectContent(object, `${object.key}.1`, next.base64);
});
