import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CreateUploadResponse } from '@longhaul/protocol';
import {
  type CoordinatorOptions,
  type ObjectStore,
  ObjectStoreError,
  reconcile,
  sweep,
  tidy,
} from '../../src/index.ts';
import { partsDigestOf } from '../../src/lib/uploads/parts-digest.ts';
import { createSqliteStore, type SqliteStore } from '../../src/sqlite.ts';
import { createMovingClock, type MovingClock } from '../support/moving-clock.ts';
import {
  put,
  sendParts,
  sha256,
  startCoordinator,
  type TestCoordinator,
  type TestOptions,
} from '../support/start-coordinator.ts';
import { createVolatileState } from '../support/volatile-state.ts';

const MIB = 1024 ** 2;
const HOUR = 3600;
const content = randomBytes(6 * MIB);
const inParts = { sizeBytes: content.byteLength, partSizeBytes: 5 * MIB, mode: 'multipart' } as const;

let clock: MovingClock;
let memory: SqliteStore;
let coordinator: TestCoordinator;
let options: CoordinatorOptions;
let told: unknown[];

beforeEach(async () => {
  clock = createMovingClock();
  memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
  await memory.catalog.migrate();
  told = [];
  await start();
});
afterEach(async () => {
  await coordinator.close();
  await memory.catalog.close();
});

/** A coordinator and what sweeps beside it, with the same ports. */
async function start(wishes: TestOptions = {}): Promise<void> {
  await coordinator?.close().catch(() => undefined);
  const { wrapStore, ...settings } = wishes;
  coordinator = await startCoordinator({
    ...memory,
    clock,
    onError: (error) => told.push(error),
    ...wishes,
  });
  options = {
    ...memory,
    objectStore: wrapStore?.(coordinator.objectStore) ?? coordinator.objectStore,
    tokenKeys: ['a key for tests that is long enough'],
    clock,
    onError: (error) => told.push(error),
    ...settings,
  };
}

const stateOf = async ({ uploadId }: CreateUploadResponse) => (await memory.catalog.find(uploadId))?.state;
const openAtStore = () => coordinator.objectStore.listMultipartUploads({ prefix: '' });
const keyOf = ({ uploadId }: CreateUploadResponse) => `connectors/default/${uploadId}`;
/** Types of the events that wait to be told, in order. */
async function events(): Promise<string[]> {
  const claimed = await memory.catalog.outbox.claim({ limit: 100, leaseMs: 0 });
  return claimed.map(({ event }) => event.type.replace('io.longhaul.upload.', ''));
}

describe('sweep', () => {
  it('has nothing to do for uploads that are on their way', async () => {
    const upload = await coordinator.create(inParts);
    clock.pass(HOUR);
    expect(await sweep(options)).toEqual({
      redriven: 0,
      unresolved: 0,
      aborted: 0,
      expired: 0,
      cleaned: 0,
      extended: 0,
      failed: 0,
      rotated: 0,
      rotating: 0,
    });
    expect(await stateOf(upload)).toBe('UPLOADING');
  });

  it('ends an idle upload, at the store too, and tells of it once', async () => {
    const upload = await coordinator.create(inParts);
    await sendParts(coordinator, upload, content, upload.grants.slice(0, 1));
    clock.pass(73 * HOUR);
    expect(await sweep(options)).toMatchObject({ expired: 1, failed: 0 });
    expect(await stateOf(upload)).toBe('EXPIRED');
    expect(await openAtStore()).toEqual([]);
    expect(await coordinator.parts(upload, {})).toMatchObject({ status: 401 });
    expect(await events()).toEqual(['expired.v1']);
    clock.pass(HOUR);
    expect(await sweep(options)).toMatchObject({ expired: 0, cleaned: 1 });
    expect(await sweep(options)).toMatchObject({ cleaned: 0 });
  });

  it('does not end an upload whose parts go on arriving, although the catalog has not heard of it', async () => {
    const state = createVolatileState();
    let lastActiveAtEpochMs: number | undefined;
    await start({ state: { ...state, lastActiveAtEpochMs: async () => lastActiveAtEpochMs } });
    const upload = await coordinator.create(inParts);
    clock.pass(73 * HOUR);
    lastActiveAtEpochMs = clock.nowEpochMs() - HOUR * 1000;
    expect(await sweep(options)).toMatchObject({ extended: 1, expired: 0 });
    expect(await stateOf(upload)).toBe('UPLOADING');
    expect((await memory.catalog.find(upload.uploadId))?.expiresAtEpochMs).toBe(
      lastActiveAtEpochMs + 72 * HOUR * 1000,
    );
    clock.pass(72 * HOUR);
    expect(await sweep(options)).toMatchObject({ expired: 1 });
  });

  it('knows from the listing that a part has arrived, when hot state is away', async () => {
    let newestPartEpochMs = 0;
    await start({
      wrapStore: (store) => ({
        ...store,
        listParts: async (ref) =>
          (await store.listParts(ref))?.map((part) => ({ ...part, lastModifiedEpochMs: newestPartEpochMs })),
      }),
    });
    const upload = await coordinator.create(inParts);
    await sendParts(coordinator, upload, content, upload.grants.slice(0, 1));
    clock.pass(73 * HOUR);
    newestPartEpochMs = clock.nowEpochMs() - HOUR * 1000;
    expect(await sweep(options)).toMatchObject({ extended: 1, expired: 0 });
    expect(await stateOf(upload)).toBe('UPLOADING');
  });

  it('completes a single PUT that was stored and never completed, and ends one that was not', async () => {
    const stored = await coordinator.create({ sizeBytes: 3 });
    const empty = await coordinator.create({ sizeBytes: 3 });
    expect((await put(stored.grants[0]!, Buffer.from('abc'))).status).toBe(200);
    clock.pass(73 * HOUR);
    expect(await sweep(options)).toMatchObject({ redriven: 1, expired: 1, failed: 0 });
    expect(await stateOf(stored)).toBe('COMPLETED');
    expect(await stateOf(empty)).toBe('EXPIRED');
    expect((await events()).toSorted()).toEqual(['completed.v1', 'expired.v1']);
  });

  it('deletes no single PUT that was stored because the store could not be asked for it', async () => {
    let isAway = true;
    await start({
      wrapStore: (store) => ({
        ...store,
        headObject: async (ref) => {
          if (!isAway) return await store.headObject(ref);
          isAway = false;
          throw new ObjectStoreError('unreachable', 'away');
        },
      }),
    });
    const upload = await coordinator.create({ sizeBytes: 3 });
    expect((await put(upload.grants[0]!, Buffer.from('abc'))).status).toBe(200);
    clock.pass(73 * HOUR);
    expect(await sweep(options)).toMatchObject({ expired: 0, failed: 1 });
    expect(await stateOf(upload)).toBe('UPLOADING');
    clock.pass(600);
    expect(await sweep(options)).toMatchObject({ redriven: 1, failed: 0 });
    expect(await stateOf(upload)).toBe('COMPLETED');
    expect(Buffer.from(await coordinator.read(keyOf(upload))).toString()).toBe('abc');
  });

  it('ends a create that nobody finished, with what its answer that got lost has left', async () => {
    await start({
      wrapStore: (store) => ({
        ...store,
        createMultipartUpload: async (input) => {
          await store.createMultipartUpload(input);
          throw new ObjectStoreError('unreachable', 'the answer was lost');
        },
      }),
    });
    const body = { ...inParts, createId: crypto.randomUUID(), name: 'x' };
    expect(await coordinator.call('POST', '/v1/uploads', { body })).toMatchObject({ status: 503 });
    expect(await openAtStore()).toHaveLength(1);
    expect(await sweep(options)).toMatchObject({ expired: 0 });
    clock.pass(HOUR);
    expect(await sweep(options)).toMatchObject({ expired: 1 });
    expect(await openAtStore()).toEqual([]);
    expect(await events()).toEqual(['expired.v1']);
  });

  it('lets go of what a repeated create has left, once the upload is complete', async () => {
    let isLost = true;
    await start({
      wrapStore: (store) => ({
        ...store,
        createMultipartUpload: async (input) => {
          const created = await store.createMultipartUpload(input);
          if (!isLost) return created;
          isLost = false;
          throw new ObjectStoreError('unreachable', 'the answer was lost');
        },
      }),
    });
    const body = { ...inParts, createId: crypto.randomUUID(), name: 'x' };
    await coordinator.call('POST', '/v1/uploads', { body });
    const upload = await coordinator.create(body);
    expect(await openAtStore()).toHaveLength(2);
    await sendParts(coordinator, upload, content);
    expect(await coordinator.complete(upload)).toMatchObject({ answer: { state: 'COMPLETED' } });
    expect(await sweep(options)).toMatchObject({ cleaned: 1 });
    expect(await openAtStore()).toEqual([]);
    expect(sha256(await coordinator.read(keyOf(upload)))).toBe(sha256(content));
  });

  it('drives on a completion whose driver died after the store had built the object', async () => {
    const upload = await coordinator.create(inParts);
    await sendParts(coordinator, upload, content);
    const parts = await memory.state.parts(upload.uploadId);
    const { s3UploadId } = (await memory.catalog.find(upload.uploadId))!;
    const lease = { partsDigest: 'x', redriveAfterMs: 15_000 };
    await memory.catalog.beginCompletion(upload.uploadId, lease);
    await coordinator.objectStore.completeMultipartUpload({
      key: keyOf(upload),
      s3UploadId: s3UploadId!,
      parts,
      sizeBytes: content.byteLength,
    });
    expect(await sweep(options)).toMatchObject({ redriven: 0 });
    clock.pass(60);
    expect(await sweep(options)).toMatchObject({ redriven: 1 });
    expect(await stateOf(upload)).toBe('COMPLETED');
    expect(await events()).toEqual(['completed.v1']);
  });

  it('drives on a completion whose driver died before it had sent anything', async () => {
    const upload = await coordinator.create(inParts);
    await sendParts(coordinator, upload, content);
    const partsDigest = partsDigestOf(await memory.state.parts(upload.uploadId));
    await memory.catalog.beginCompletion(upload.uploadId, { partsDigest, redriveAfterMs: 15_000 });
    clock.pass(60);
    await sweep(options);
    expect(await stateOf(upload)).toBe('COMPLETED');
    expect(sha256(await coordinator.read(keyOf(upload)))).toBe(sha256(content));
  });

  it('drives on an abort that the store did not let through', async () => {
    let isAway = true;
    await start({
      wrapStore: (store) => ({
        ...store,
        abortMultipartUpload: async (ref) => {
          if (isAway) throw new ObjectStoreError('unreachable', 'away');
          await store.abortMultipartUpload(ref);
        },
      }),
    });
    const upload = await coordinator.create(inParts);
    expect(await coordinator.cancel(upload)).toMatchObject({ status: 503 });
    isAway = false;
    clock.pass(60);
    expect(await sweep(options)).toMatchObject({ aborted: 1 });
    expect(await stateOf(upload)).toBe('CANCELLED');
    expect(await openAtStore()).toEqual([]);
    expect(await events()).toEqual(['cancelled.v1']);
  });

  it('ends the cancel of a single PUT once its URL has expired, and deletes what it stored meanwhile', async () => {
    const upload = await coordinator.create({ sizeBytes: 3 });
    expect(await coordinator.cancel(upload)).toMatchObject({ answer: { state: 'ABORTING' } });
    expect((await put(upload.grants[0]!, Buffer.from('abc'))).status).toBe(200);
    await sweep(options);
    expect(await stateOf(upload)).toBe('ABORTING');
    clock.pass(HOUR);
    expect(await sweep(options)).toMatchObject({ aborted: 1 });
    expect(await stateOf(upload)).toBe('CANCELLED');
    expect(await coordinator.objectStore.headObject({ key: keyOf(upload) })).toBeUndefined();
  });

  it('leaves uploads to another bucket alone: what is not here may be there', async () => {
    const idle = await coordinator.create(inParts);
    const stored = await coordinator.create({ sizeBytes: 3 });
    const completing = await coordinator.create(inParts);
    await put(stored.grants[0]!, Buffer.from('abc'));
    const lease = { partsDigest: 'x', redriveAfterMs: 15_000 };
    await memory.catalog.beginCompletion(completing.uploadId, lease);
    clock.pass(73 * HOUR);
    // The same catalog, and a bucket of which it knows nothing.
    const elsewhere: ObjectStore = {
      ...coordinator.objectStore,
      bucket: 'another',
      headObject: async () => undefined,
      listParts: async () => undefined,
      listMultipartUploads: async () => [],
      abortMultipartUpload: async () => undefined,
    };
    const nothing = {
      redriven: 0,
      unresolved: 0,
      aborted: 0,
      expired: 0,
      cleaned: 0,
      extended: 0,
      failed: 0,
      rotated: 0,
      rotating: 0,
    };
    expect(await sweep({ ...options, objectStore: elsewhere })).toEqual(nothing);
    expect(await events()).toEqual([]);
    expect(await sweep(options)).toMatchObject({ redriven: 2, expired: 1, failed: 0 });
    expect(await stateOf(idle)).toBe('EXPIRED');
    expect(await stateOf(stored)).toBe('COMPLETED');
  });

  it('reaches an upload behind more of those that cannot be looked after than one sweep takes', async () => {
    const broken = [await coordinator.create(inParts), await coordinator.create(inParts)];
    clock.pass(HOUR);
    const good = await coordinator.create(inParts);
    clock.pass(73 * HOUR);
    const { objectStore } = options;
    const lame: ObjectStore = {
      ...objectStore,
      listParts: async (ref) => {
        if (broken.some((upload) => ref.key === keyOf(upload))) throw new ObjectStoreError('refused', 'no');
        return await objectStore.listParts(ref);
      },
    };
    // As cron does it: by then no lease of the time before holds any more.
    for (let minute = 0; minute < 5; minute++) {
      await sweep({ ...options, objectStore: lame }, { limit: 2 });
      clock.pass(61);
    }
    expect(await stateOf(good)).toBe('EXPIRED');
  });

  it('costs an upload that cannot be looked after a while, and no other anything', async () => {
    const broken = await coordinator.create(inParts);
    const good = await coordinator.create(inParts);
    const { objectStore } = options;
    const lame: ObjectStore = {
      ...objectStore,
      abortMultipartUpload: async (ref) => {
        if (ref.key === keyOf(broken)) throw new ObjectStoreError('unreachable', 'away');
        await objectStore.abortMultipartUpload(ref);
      },
    };
    clock.pass(73 * HOUR);
    expect(await sweep({ ...options, objectStore: lame })).toMatchObject({ expired: 1, failed: 1 });
    expect(told).toEqual([expect.any(ObjectStoreError)]);
    expect(await stateOf(good)).toBe('EXPIRED');
    clock.pass(120);
    expect(await sweep(options)).toMatchObject({ aborted: 1, failed: 0 });
    expect(await stateOf(broken)).toBe('EXPIRED');
  });
});

describe('a completion whose object never comes', () => {
  it('fails once the store has known neither parts nor object for long, and then cleans up', async () => {
    let isCompleting = false;
    await start({
      wrapStore: (store) => ({
        ...store,
        // The upload is ended behind our back, as a bucket rule or an operator does it.
        completeMultipartUpload: async ({ key, s3UploadId }) => {
          isCompleting = true;
          await store.abortMultipartUpload({ key, s3UploadId });
          return { kind: 'unknown', reason: 'NoSuchUpload' };
        },
      }),
    });
    const upload = await coordinator.create(inParts);
    await sendParts(coordinator, upload, content);
    expect(await coordinator.complete(upload)).toMatchObject({ answer: { state: 'COMPLETING' } });
    expect(isCompleting).toBe(true);
    clock.pass(60);
    expect(await sweep(options)).toMatchObject({ redriven: 0, unresolved: 1 });
    expect(await stateOf(upload)).toBe('COMPLETING');
    clock.pass(1000);
    await sweep(options);
    expect(await stateOf(upload)).toBe('FAILED');
    expect(await events()).toEqual(['failed.v1']);
    clock.pass(25 * HOUR);
    expect(await sweep(options)).toMatchObject({ cleaned: 1 });
  });

  it('goes back to its client when an attempt with no known end is over and parts are lost', async () => {
    let isFirst = true;
    await start({
      wrapStore: (store) => ({
        ...store,
        completeMultipartUpload: async (input) => {
          if (!isFirst) return await store.completeMultipartUpload(input);
          isFirst = false;
          return { kind: 'unknown', reason: 'cut' };
        },
        listParts: async (ref) => (await store.listParts(ref))?.slice(0, 1),
      }),
    });
    const upload = await coordinator.create(inParts);
    await sendParts(coordinator, upload, content);
    await coordinator.complete(upload);
    await memory.state.remove(upload.uploadId);
    clock.pass(HOUR);
    await sweep(options);
    // The first attempt may still be at work: nobody may abort, or send parts.
    expect(await stateOf(upload)).toBe('COMPLETING');
    expect(await coordinator.cancel(upload)).toMatchObject({ problem: { code: 'upload-completing' } });
    clock.pass(25 * HOUR);
    await sweep(options);
    // The wish was kept.
    expect(await stateOf(upload)).toBe('CANCELLED');
  });
});

describe('reconcile', () => {
  const keyTemplate = 'apps/{installationId}/{connectorId}/{nodeId}';

  it('reports, and aborts nothing, where others may write', async () => {
    await coordinator.create(inParts);
    const foreign = await coordinator.objectStore.createMultipartUpload({
      key: 'connectors/other/program',
      contentType: 'text/plain',
      metadata: {},
    });
    const report = await reconcile(options);
    expect(report).toMatchObject({ prefix: 'connectors/', exclusive: false });
    expect(report.uploads.map(({ verdict }) => verdict).toSorted()).toEqual(['open', 'unknown']);
    await expect(reconcile(options, { abort: true })).rejects.toMatchObject({ code: 'bad-request' });
    expect(await openAtStore()).toContainEqual(expect.objectContaining(foreign));
  });

  it('holds no more than a page of a list that has no end in sight', async () => {
    const pages = 30;
    let asked = 0;
    const pageOf = (index: number) =>
      Array.from({ length: 1_000 }, (_, place) => ({
        key: `connectors/${index}/${place}`,
        s3UploadId: `${index}-${place}`,
        initiatedAtEpochMs: 0,
      }));
    const endless: ObjectStore = {
      ...coordinator.objectStore,
      listMultipartUploads: () => Promise.reject(new Error('all at once')),
      listMultipartUploadsPage: async ({ after }) => {
        asked += 1;
        const index = Number(after?.key ?? 0);
        return { uploads: pageOf(index), ...(index + 1 < pages && { next: { key: String(index + 1) } }) };
      },
    };
    const report = await reconcile({ ...options, objectStore: endless });
    expect(asked).toBe(pages);
    expect(report.counts).toMatchObject({ unknown: pages * 1_000, open: 0, aborted: 0 });
    expect(report.uploads).toHaveLength(10_000);
  });

  it('ends under its own prefix what is provably nobody’s, and nothing else', async () => {
    await start({ keyTemplate });
    const { installationId } = await memory.catalog.installation();
    const begin = (key: string) =>
      coordinator.objectStore.createMultipartUpload({ key, contentType: 'text/plain', metadata: {} });
    const open = await coordinator.create(inParts);
    const key = `apps/${installationId}/default/${open.uploadId}`;
    await begin(key);
    await begin('apps/somebody-else/default/x');
    await begin(`apps/${installationId}/default/of-no-row`);
    const first = await reconcile(options, { abort: true });
    expect(first).toMatchObject({ prefix: `apps/${installationId}/`, exclusive: true });
    const verdicts = first.uploads.map(({ verdict, aborted }) => `${verdict} ${aborted}`).toSorted();
    expect(verdicts).toEqual(['open false', 'stray true', 'unknown false']);
    clock.pass(8 * 24 * HOUR);
    const second = await reconcile(options, { abort: true });
    expect(second.uploads.map(({ verdict, aborted }) => `${verdict} ${aborted}`).toSorted()).toEqual([
      'open false',
      'unknown true',
    ]);
    expect((await openAtStore()).map((upload) => upload.key).toSorted()).toEqual(
      [key, 'apps/somebody-else/default/x'].toSorted(),
    );
  });
});

describe('tidy', () => {
  it('removes what ended without an object long ago, and keeps what is stored', async () => {
    const cancelled = await coordinator.create(inParts);
    await coordinator.cancel(cancelled);
    const complete = await coordinator.create({ sizeBytes: 1, payload: 'AA==' });
    clock.pass(HOUR);
    await sweep(options);
    for (const { event } of await memory.catalog.outbox.claim({ limit: 10, leaseMs: 0 }))
      await memory.catalog.outbox.settle(event.id, { kind: 'sent' });
    expect(await tidy(options)).toEqual({ removedEvents: 0, removedUploads: 0 });
    clock.pass(31 * 24 * HOUR);
    expect(await tidy(options)).toEqual({ removedEvents: 2, removedUploads: 1 });
    expect(await stateOf(cancelled)).toBeUndefined();
    expect(await stateOf(complete)).toBe('COMPLETED');
  });
});
