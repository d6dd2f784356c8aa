/** Another key for what is uploaded, where the store copies no object with a key: the SDK streams it, part by part. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import {
  createUploader,
  type CoordinatorFetch,
  type RotateOptions,
  type UploadProgress,
} from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type SeenRequest, type WatchedStore, watchStore } from './support/watched-store.ts';

const MIB = 1024 ** 2;
/** Four parts of 5 MiB. */
const content = randomBytes(18 * MIB + 1);
const retry = { baseDelayMs: 1, throttledBaseDelayMs: 1, maxAttempts: 3 };
const oldKey = randomBytes(32);
const newKey = randomBytes(32);
const toNewKey = { encryption: { mode: 'sse-c', key: newKey }, oldKey } as const;

let servers: TestServers;
let store: WatchedStore;
afterEach(async () => {
  await servers.stop();
  await store.stop();
});

async function start(settings: Parameters<typeof startServers>[0] = {}): Promise<void> {
  servers = await startServers({
    profile: { ssecCopy: false },
    publicEndpoint: async (storeUrl) => (store = await watchStore(storeUrl)).url,
    ...settings,
  });
}

const uploaderOn = (coordinator: CoordinatorFetch = servers.coordinator) =>
  createUploader({ coordinator, retry, partSizeBytes: 5 * MIB });

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const base64Of = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

/** An object under the old key; nothing of that is seen afterwards. */
async function uploaded(bytes: Uint8Array = content) {
  const result = await uploaderOn().upload(bytes, { encryption: { mode: 'sse-c', key: oldKey } }).result;
  store.seen.length = 0;
  return result;
}

/** Every body that the coordinator is sent. */
function listenTo(told: string[]): CoordinatorFetch {
  return async (request) => {
    told.push(await request.clone().text());
    return await servers.coordinator(request);
  };
}

const putsOf = (seen: readonly SeenRequest[]): readonly number[] =>
  seen
    .filter(({ method }) => method === 'PUT')
    .map(({ partNumber }) => partNumber)
    .toSorted((one, other) => one - other);

/** The object is what it was, and of a copy nothing is left once sweeps have been. */
async function expectUnchanged(key: string): Promise<void> {
  expect(hashOf(await servers.read(key, base64Of(oldKey)))).toBe(hashOf(content));
  await servers.expireUploads();
  expect(await servers.keys()).toEqual([key]);
  expect(await servers.openUploads()).toBe(0);
}

describe('rotating an object that the store does not copy', () => {
  it('streams it from key to key, and tells the coordinator neither', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const [progress, told]: [UploadProgress[], string[]] = [[], []];
    const onProgress = (step: UploadProgress): void => void progress.push(step);
    const rotation = uploaderOn(listenTo(told)).rotate(uploadId, { ...toNewKey, onProgress });
    expect(await rotation.result).toMatchObject({
      state: 'DONE',
      partCount: 4,
      result: { key: `${key}.1`, encryption: { mode: 'sse-c' }, sizeBytes: content.length },
    });
    expect(hashOf(await servers.read(`${key}.1`, base64Of(newKey)))).toBe(hashOf(content));
    await expect(servers.read(`${key}.1`, base64Of(oldKey))).rejects.toThrow();
    expect([await servers.keys(), await servers.openUploads()]).toEqual([[`${key}.1`], 0]);
    expect(putsOf(store.seen)).toEqual([1, 2, 3, 4]);
    const sent = progress.map(({ sentBytes }) => sentBytes);
    expect(sent).toEqual(sent.toSorted((one, other) => one - other));
    expect([sent[0], sent.at(-1)]).toEqual([0, content.length]);
    for (const secret of [oldKey, newKey]) expect(told.join()).not.toContain(base64Of(secret));
    for (const { method, customerKey } of store.seen)
      expect(customerKey).toBe(base64Of(method === 'GET' ? oldKey : newKey));
  });

  it.each([
    ['in one part', 1 * MIB],
    ['of nothing', 0],
  ])('to a key of the store, %s', async (_how, sizeBytes) => {
    await start();
    const bytes = randomBytes(sizeBytes);
    const { uploadId, key } = await uploaded(bytes);
    const rotation = uploaderOn().rotate(uploadId, { encryption: { mode: 'sse-s3' }, oldKey });
    expect(await rotation.result).toMatchObject({ state: 'DONE', encryption: { mode: 'sse-s3' } });
    expect(hashOf(await servers.read(`${key}.1`))).toBe(hashOf(bytes));
    expect([await servers.keys(), await servers.openUploads()]).toEqual([[`${key}.1`], 0]);
  });

  it.each([
    ['the same id', randomUUID()],
    ['the same key alone', undefined],
  ])('goes on after a cut by %s, and streams no part twice', async (_how, rotationId) => {
    await start();
    const { uploadId, key } = await uploaded();
    const options = { ...toNewKey, ...(rotationId !== undefined && { rotationId }) };
    const cut = new AbortController();
    const stored = () => putsOf(store.seen.filter(({ status }) => status === 200));
    store.before = async ({ partNumber }) => {
      if (partNumber < 3) return;
      await expect.poll(stored).toEqual([1, 2]);
      cut.abort(new Error('killed'));
      return 503;
    };
    const killed = uploaderOn().rotate(uploadId, { ...options, signal: cut.signal });
    await expect(killed.result).rejects.toThrow('killed');
    // What the dead one has sent still comes in.
    await setTimeout(200);
    delete store.before;
    store.seen.length = 0;
    expect(await uploaderOn().rotate(uploadId, options).result).toMatchObject({
      state: 'DONE',
      generation: 1,
    });
    expect(putsOf(store.seen)).toEqual([3, 4]);
    expect(store.seen.filter(({ method }) => method === 'GET')).toHaveLength(2);
    expect(hashOf(await servers.read(`${key}.1`, base64Of(newKey)))).toBe(hashOf(content));
    expect([await servers.keys(), await servers.openUploads()]).toEqual([[`${key}.1`], 0]);
  });

  it('tries again what fails in passing', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const failed = new Set<string>();
    store.before = ({ method, partNumber, range }) => {
      const what = `${method} ${partNumber} ${range}`;
      if (failed.has(what)) return;
      failed.add(what);
      return method === 'GET' ? 403 : 500;
    };
    expect(await uploaderOn().rotate(uploadId, toNewKey).result).toMatchObject({ state: 'DONE' });
    expect(hashOf(await servers.read(`${key}.1`, base64Of(newKey)))).toBe(hashOf(content));
  });

  it('of two at once lets one win, whose key opens the object', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const keys = [newKey, randomBytes(32)];
    const ends = await Promise.allSettled(
      keys.map(
        (each) =>
          uploaderOn().rotate(uploadId, { ...toNewKey, encryption: { mode: 'sse-c', key: each } }).result,
      ),
    );
    const winner = ends.findIndex(({ status }) => status === 'fulfilled');
    expect(ends[1 - winner]).toMatchObject({ reason: { problem: { code: 'rotation-open' } } });
    expect(hashOf(await servers.read(`${key}.1`, base64Of(keys[winner]!)))).toBe(hashOf(content));
    expect([await servers.keys(), await servers.openUploads()]).toEqual([[`${key}.1`], 0]);
  });

  it('is done for two that want the same at once', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const both = [1, 2].map(() => uploaderOn().rotate(uploadId, toNewKey).result);
    for (const status of await Promise.all(both))
      expect(status).toMatchObject({ state: 'DONE', generation: 1 });
    expect(hashOf(await servers.read(`${key}.1`, base64Of(newKey)))).toBe(hashOf(content));
    expect([await servers.keys(), await servers.openUploads()]).toEqual([[`${key}.1`], 0]);
  });
});

describe('a rotation by its client that cannot be', () => {
  it('does not begin without the old key, or with another', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const refusals: readonly [RotateOptions, string][] = [
      [{ encryption: { mode: 'sse-s3' } }, 'rotation-unsupported'],
      [{ ...toNewKey, oldKey: randomBytes(32) }, 'customer-key-mismatch'],
    ];
    for (const [options, code] of refusals)
      await expect(uploaderOn().rotate(uploadId, options).result).rejects.toMatchObject({
        problem: { code },
      });
    await expectUnchanged(key);
    // Nothing of it stands in the way of the right one.
    expect(await uploaderOn().rotate(uploadId, toNewKey).result).toMatchObject({ generation: 1 });
  });

  it('fails when what comes from the store is not what was uploaded', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    let answers = 0;
    store.change = (body) => void (++answers === 2 && (body[0] = (body[0] ?? 0) ^ 1));
    await expect(uploaderOn().rotate(uploadId, toNewKey).result).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      problem: { code: 'rotation-failed', detail: expect.stringContaining('not what was uploaded') },
    });
    await expectUnchanged(key);
  });

  it('reads no other object than the one that was uploaded', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    await servers.overwrite(key, randomBytes(content.length), base64Of(oldKey));
    await expect(uploaderOn().rotate(uploadId, toNewKey).result).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      status: 412,
    });
    expect(putsOf(store.seen)).toEqual([]);
  });

  it('sends no key in the clear', async () => {
    await start({ publicEndpoint: async (storeUrl) => ((store = await watchStore(storeUrl)), storeUrl) });
    const { uploadId } = await uploaderOn().upload(content, { encryption: { mode: 'sse-c', key: oldKey } })
      .result;
    const elsewhere: CoordinatorFetch = async (request) => {
      const answer = await servers.coordinator(request);
      const text = (await answer.text()).replaceAll(servers.storeUrl, 'http://store.invalid');
      return new Response(text, { status: answer.status, headers: { 'content-type': 'application/json' } });
    };
    await expect(uploaderOn(elsewhere).rotate(uploadId, toNewKey).result).rejects.toMatchObject({
      code: 'KEY_UNUSABLE',
    });
  });
});
