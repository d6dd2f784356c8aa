/** Rotations that a client copies, by the calls that it makes: what it may ask for, and what becomes of what it leaves. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import {
  CUSTOMER_KEY_HEADERS,
  MAX_COPIED_PARTS_PER_CALL,
  type Problem,
  type RotationCopy,
  type RotationStatus,
  type StoreCall,
} from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCoordinator, sweep } from '../../src/index.ts';
import { createSqliteStore, type SqliteStore } from '../../src/sqlite.ts';
import { createMovingClock, type MovingClock } from '../support/moving-clock.ts';
import { put, sha256, startCoordinator, type TestCoordinator } from '../support/start-coordinator.ts';

const MIB = 1024 ** 2;
/** One part of 16 MiB, and the rest. */
const content = randomBytes(17 * MIB);
const HOUR_SECONDS = 3_600;

interface TestKey {
  readonly header: Readonly<Record<string, string>>;
  readonly base64: string;
  readonly md5: string;
}

function newKey(): TestKey {
  const bytes = randomBytes(32);
  const base64 = bytes.toString('base64');
  return { base64, md5: md5Of(bytes), header: { [CUSTOMER_KEY_HEADERS.key]: base64 } };
}

const md5Of = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64');

let clock: MovingClock;
let memory: SqliteStore;
let coordinator: TestCoordinator;
let old: TestKey;
let next: TestKey;
beforeEach(async () => {
  clock = createMovingClock();
  memory = createSqliteStore({ path: ':memory:', nowEpochMs: clock.nowEpochMs });
  await memory.catalog.migrate();
  [old, next] = [newKey(), newKey()];
  coordinator = await startCoordinator({
    ...memory,
    clock,
    wrapStore: (store) => ({ ...store, profile: { ...store.profile, ssecCopy: false } }),
  });
});
afterEach(() => coordinator.close());

interface Uploaded {
  readonly nodeId: string;
  readonly key: string;
}

async function upload(): Promise<Uploaded> {
  const encryption = { mode: 'sse-c', customerKeyMd5: old.md5 } as const;
  const checksum = { algorithm: 'MD5', value: md5Of(content) } as const;
  const sizeBytes = content.length;
  const created = await coordinator.create({ sizeBytes, mode: 'single', encryption, checksum });
  expect((await put(created.grants[0]!, content, old.header)).status).toBe(200);
  const { answer } = await coordinator.complete(created, { checksum });
  if (answer.state !== 'COMPLETED') throw new Error(`complete answered ${answer.state}`);
  return { nodeId: created.uploadId, key: answer.result.key };
}

const ask = <Answer>(
  nodeId: string,
  path: string,
  body: object,
  by: TestCoordinator['call'] = coordinator.call,
) => by<Answer & Problem>('POST', `/v1/objects/${nodeId}/${path}`, { body });

const wishOf = (rotationId: string, more: object = {}): object => ({
  rotationId,
  encryption: { mode: 'sse-c', customerKeyMd5: next.md5 },
  copyByClient: { oldCustomerKeyMd5: old.md5 },
  ...more,
});

interface Begun extends Uploaded {
  readonly rotationId: string;
}

async function begin(): Promise<Begun> {
  const object = await upload();
  const rotationId = randomUUID();
  const { status, answer } = await ask<RotationStatus>(object.nodeId, 'rotate', wishOf(rotationId));
  expect([status, answer]).toMatchObject([202, { rotationId, copyByClient: true, partCount: 2 }]);
  return { ...object, rotationId };
}

async function send(
  { method, url, headers }: StoreCall,
  more: Readonly<Record<string, string>>,
): Promise<string> {
  const response = await fetch(url, { method, headers: { ...headers, ...more } });
  expect(response.ok).toBe(true);
  return await response.text();
}

/** Begins the copy at the store as a client does. */
async function open({ nodeId, rotationId }: Begun): Promise<string> {
  const { answer } = await ask<RotationCopy>(nodeId, 'rotation/copy', { rotationId });
  expect(answer.receivedParts).toBeUndefined();
  const s3UploadId = /<UploadId>([^<]+)</.exec(await send(answer.openingCall!, next.header))?.[1] ?? '';
  const opened = await ask<RotationCopy>(nodeId, 'rotation/copy', { rotationId, s3UploadId });
  expect(opened.answer).toMatchObject({ receivedParts: [], grants: [], digest: { algorithm: 'MD5' } });
  expect(opened.answer.openingCall).toBeUndefined();
  return s3UploadId;
}

const parts = [content.subarray(0, 16 * MIB), content.subarray(16 * MIB)];

async function stream({ nodeId, rotationId }: Begun, partNumbers: readonly number[] = [1, 2]): Promise<void> {
  const sign = partNumbers.map((partNumber) => ({ partNumber, contentMd5: md5Of(parts[partNumber - 1]!) }));
  const { answer } = await ask<RotationCopy>(nodeId, 'rotation/copy', { rotationId, sign });
  for (const grant of answer.grants) {
    expect(grant.headers).toMatchObject({
      [CUSTOMER_KEY_HEADERS.md5]: next.md5,
      'content-md5': expect.any(String),
    });
    expect((await put(grant, parts[grant.partNumber - 1]!, next.header)).status).toBe(200);
  }
}

const openUploads = () => coordinator.objectStore.listMultipartUploads({ prefix: '' });

describe('a rotation that its client copies', () => {
  it('hands out URLs that are good with the keys, and is done once the client says so', async () => {
    const rotation = await begin();
    await open(rotation);
    const { answer } = await ask<RotationCopy>(rotation.nodeId, 'rotation/copy', {
      rotationId: rotation.rotationId,
    });
    const { source } = answer;
    expect(source).toMatchObject({ method: 'GET', headers: { [CUSTOMER_KEY_HEADERS.md5]: old.md5 } });
    const range = { range: 'bytes=0-9' };
    for (const wrong of [{}, next.header])
      expect((await fetch(source.url, { headers: { ...source.headers, ...wrong, ...range } })).ok).toBe(
        false,
      );
    await stream(rotation);
    const copied = { checksum: { algorithm: 'MD5', value: md5Of(content) } };
    const done = await ask<RotationStatus>(
      rotation.nodeId,
      'rotate',
      wishOf(rotation.rotationId, { copied }),
    );
    expect([done.status, done.answer]).toMatchObject([
      200,
      { state: 'DONE', result: { key: `${rotation.key}.1` } },
    ]);
    expect(done.answer.copyByClient).toBeUndefined();
    expect(sha256(await coordinator.read(`${rotation.key}.1`, next.base64))).toBe(sha256(content));
    expect(await openUploads()).toEqual([]);
  });

  it('is not completed before its client has said that it has compared', async () => {
    const rotation = await begin();
    await open(rotation);
    await stream(rotation);
    clock.pass(HOUR_SECONDS);
    await sweep(coordinator.options);
    const { answer } = await ask<RotationStatus>(rotation.nodeId, 'rotate', wishOf(rotation.rotationId));
    expect(answer).toMatchObject({ state: 'COPYING', copyByClient: true });
    expect(await openUploads()).toHaveLength(1);
  });

  it('waits for parts that are not there, whatever its client says', async () => {
    const rotation = await begin();
    await open(rotation);
    await stream(rotation, [2]);
    const said = await ask<RotationStatus>(
      rotation.nodeId,
      'rotate',
      wishOf(rotation.rotationId, { copied: {} }),
    );
    expect([said.status, said.answer]).toMatchObject([202, { state: 'COPYING' }]);
    const { answer } = await ask<RotationCopy>(rotation.nodeId, 'rotation/copy', {
      rotationId: rotation.rotationId,
    });
    expect(answer.receivedParts).toEqual([{ partNumber: 2, sizeBytes: MIB }]);
  });

  it('fails with another checksum than that of the upload, and leaves nothing', async () => {
    const rotation = await begin();
    await open(rotation);
    await stream(rotation);
    const copied = { checksum: { algorithm: 'MD5', value: md5Of(parts[0]!) } };
    const failed = await ask<RotationStatus>(
      rotation.nodeId,
      'rotate',
      wishOf(rotation.rotationId, { copied }),
    );
    expect(failed).toMatchObject({ status: 409, problem: { code: 'rotation-failed' } });
    await sweep(coordinator.options);
    expect(await openUploads()).toEqual([]);
    expect(sha256(await coordinator.read(rotation.key, old.base64))).toBe(sha256(content));
  });

  it('is ended when its client has left it, and no sooner', async () => {
    const rotation = await begin();
    await open(rotation);
    for (const [hours, left] of [
      [71, 1],
      [2, 0],
    ] as const) {
      clock.pass(hours * HOUR_SECONDS);
      await sweep(coordinator.options);
      await sweep(coordinator.options);
      expect(await openUploads()).toHaveLength(left);
    }
    const ended = await coordinator.call<RotationStatus>('GET', `/v1/objects/${rotation.nodeId}/rotation`);
    expect(ended.answer).toMatchObject({ state: 'FAILED', lastError: expect.stringContaining('left') });
    expect(sha256(await coordinator.read(rotation.key, old.base64))).toBe(sha256(content));
  });

  it('makes room for another key when no part has come for a while', async () => {
    const rotation = await begin();
    const { nodeId } = rotation;
    await open(rotation);
    const other = newKey();
    const wish = wishOf(randomUUID(), { encryption: { mode: 'sse-c', customerKeyMd5: other.md5 } });
    clock.pass(9 * 60);
    expect((await ask(nodeId, 'rotate', wish)).problem).toMatchObject({ code: 'rotation-open' });
    clock.pass(2 * 60);
    expect((await ask<RotationStatus>(nodeId, 'rotate', wish)).answer).toMatchObject({
      copyByClient: true,
      generation: 2,
    });
    const { rotationId } = rotation;
    const closed = await ask(nodeId, 'rotation/copy', { rotationId });
    expect(closed.problem).toMatchObject({ code: 'rotation-copy-closed' });
    await sweep(coordinator.options);
    expect(await openUploads()).toEqual([]);
  });

  it('takes the first upload that is told, and ends any other with itself', async () => {
    const rotation = await begin();
    const { nodeId, rotationId } = rotation;
    const { answer } = await ask<RotationCopy>(nodeId, 'rotation/copy', { rotationId });
    await send(answer.openingCall!, next.header);
    await open(rotation);
    expect(await openUploads()).toHaveLength(2);
    await stream(rotation);
    await ask(nodeId, 'rotate', wishOf(rotationId, { copied: {} }));
    expect(sha256(await coordinator.read(`${rotation.key}.1`, next.base64))).toBe(sha256(content));
    expect(await openUploads()).toEqual([]);
  });

  it('begins another upload where the store has lost the one that was begun', async () => {
    const rotation = await begin();
    const s3UploadId = await open(rotation);
    await coordinator.objectStore.abortMultipartUpload({ key: `${rotation.key}.1`, s3UploadId });
    await open(rotation);
    await stream(rotation);
    const done = await ask<RotationStatus>(
      rotation.nodeId,
      'rotate',
      wishOf(rotation.rotationId, { copied: {} }),
    );
    expect(done.answer).toMatchObject({ state: 'DONE' });
  });
});

describe('a call of a client that copies', () => {
  it('is refused to others, for what is no part, and for what is nobody’s upload', async () => {
    const { nodeId, rotationId, key } = await begin();
    const foreign = await coordinator.objectStore.createMultipartUpload({
      key: `${key}.10`,
      contentType: 'text/plain',
      metadata: {},
    });
    const contentMd5 = md5Of(content);
    const sign = (partNumber: number, times = 1) =>
      Array.from({ length: times }, () => ({ partNumber, contentMd5 }));
    const refusals: readonly [string, object, number, string][] = [
      [randomUUID(), { rotationId }, 404, 'upload-not-found'],
      [nodeId, { rotationId: randomUUID() }, 404, 'rotation-not-found'],
      [nodeId, { rotationId, s3UploadId: 'made-up' }, 409, 'opening-unknown'],
      [nodeId, { rotationId, ...foreign }, 409, 'opening-unknown'],
      [nodeId, { rotationId, sign: sign(3) }, 400, 'part-number-out-of-range'],
      [nodeId, { rotationId, sign: sign(0) }, 400, 'bad-request'],
      [nodeId, { rotationId, sign: [{ partNumber: 1 }] }, 400, 'bad-request'],
      [nodeId, { rotationId, sign: sign(1, MAX_COPIED_PARTS_PER_CALL + 1) }, 400, 'bad-request'],
    ];
    for (const [node, body, status, code] of refusals)
      expect(await ask(node, 'rotation/copy', body)).toMatchObject({ status, problem: { code } });
    const other = createCoordinator({
      ...coordinator.options,
      authorize: () => 'somebody else',
    });
    const theirs = await other.request(`http://localhost/v1/objects/${nodeId}/rotation/copy`, {
      method: 'POST',
      body: JSON.stringify({ rotationId }),
    });
    expect(await theirs.json()).toMatchObject({ code: 'upload-not-found' });
  });

  it('is closed after the end, and where the store copies', async () => {
    const rotation = await begin();
    const { nodeId, rotationId } = rotation;
    await open(rotation);
    await stream(rotation);
    await ask(nodeId, 'rotate', wishOf(rotationId, { copied: {} }));
    const closed = { status: 409, problem: { code: 'rotation-copy-closed' } };
    expect(await ask(nodeId, 'rotation/copy', { rotationId })).toMatchObject(closed);
    const plain = await coordinator.create({ sizeBytes: 4, mode: 'single' });
    await put(plain.grants[0]!, Buffer.from('text'));
    await coordinator.complete(plain);
    const byStore = randomUUID();
    await ask(plain.uploadId, 'rotate', { rotationId: byStore, encryption: { mode: 'sse-s3' } });
    expect(await ask(plain.uploadId, 'rotation/copy', { rotationId: byStore })).toMatchObject(closed);
  });

  it('has to be announced with the key that the object has', async () => {
    const { nodeId } = await upload();
    const rotationId = randomUUID();
    const refusals: readonly [object, string][] = [
      [{ copyByClient: undefined }, 'rotation-unsupported'],
      [{ copyByClient: { oldCustomerKeyMd5: next.md5 } }, 'customer-key-mismatch'],
    ];
    for (const [more, code] of refusals)
      expect(await ask(nodeId, 'rotate', wishOf(rotationId, more))).toMatchObject({
        status: 400,
        problem: { code },
      });
    const found = await coordinator.call('GET', `/v1/objects/${nodeId}/rotation`);
    expect(found).toMatchObject({ status: 404, problem: { code: 'rotation-not-found' } });
  });
});
