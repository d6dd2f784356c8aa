import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createFetchPartSender, createBlobSource } from '@longhaul/sdk/core';
import { createUploader, type UploadHandle } from '@longhaul/sdk/web';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type Fate, s3Error, startStoreProxy, type StoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const PASS: Fate = { kind: 'pass' };
const FAST = { baseDelayMs: 1, throttledBaseDelayMs: 1 };

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function start(
  fateOf: (partNumber: number, attempt: number) => Fate = () => PASS,
): Promise<{ servers: TestServers; proxy: StoreProxy }> {
  let proxy: StoreProxy | undefined;
  const servers = await startServers({
    publicEndpoint: async (storeUrl) => (proxy = await startStoreProxy(storeUrl, fateOf)).url,
  });
  if (!proxy) throw new Error('the servers did not ask for an endpoint');
  const { stop } = proxy;
  cleanUps.push(() => servers.stop(), stop);
  return { servers, proxy };
}

async function expectStored(upload: UploadHandle, bytes: Uint8Array, servers: TestServers): Promise<void> {
  const { key, proof } = await upload.result;
  expect(proof).toBe('checksum');
  expect(Buffer.compare(await servers.read(key), bytes)).toBe(0);
}

describe('the uploader for runtimes that only have fetch', () => {
  it.each([
    ['nothing', 0],
    ['one byte', 1],
    ['one PUT', 2 * MIB],
    ['five parts', 21 * MIB],
  ])('uploads %s', async (_what, sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const { servers } = await start();
    const uploader = createUploader({ ...servers, inlineMaxBytes: 0, partSizeBytes: 5 * MIB });
    const upload = uploader.upload(new Blob([bytes]), { name: 'blob.bin' });
    const told: number[] = [];
    upload.on('progress', ({ sentBytes }) => told.push(sentBytes));
    await expectStored(upload, bytes, servers);
    expect(told.at(-1)).toBe(sizeBytes);
    await expectStored(uploader.upload(bytes, { resume: false }), bytes, servers);
  });

  it('sends again what the store has refused, and what got no answer', async () => {
    const bytes = randomBytes(16 * MIB);
    const fates: Fate[] = [
      { kind: 'answer', status: 503, body: s3Error('SlowDown') },
      { kind: 'reset' },
      { kind: 'answer', status: 403, body: s3Error('AccessDenied') },
    ];
    const { servers } = await start(() => fates.shift() ?? PASS);
    const uploader = createUploader({ ...servers, partSizeBytes: 5 * MIB, retry: FAST });
    await expectStored(uploader.upload(bytes), bytes, servers);
    expect(fates).toEqual([]);
  });

  it('refuses what it cannot upload', async () => {
    const { servers } = await start();
    // @ts-expect-error: a path means nothing here
    await expect(createUploader(servers).upload('./file.bin').result).rejects.toThrow(TypeError);
    expect(() => createUploader({ coordinator: 'nowhere' })).toThrow(TypeError);
  });
});

describe('a part sent by fetch', () => {
  const part = {
    source: createBlobSource(new Blob(['0123456789'])),
    offsetBytes: 2,
    sizeBytes: 3,
    headers: { 'x-amz-meta-a': 'b' },
    signal: new AbortController().signal,
    onProgress: () => {},
  };
  const answering = (response: Response): ReturnType<typeof createFetchPartSender> =>
    createFetchPartSender(async () => response);

  it('carries the slice with its length, the headers, and no type of its own', async () => {
    const { servers, proxy } = await start();
    const seen: Request[] = [];
    const sender = createFetchPartSender(async (url, init) => {
      seen.push(new Request(url, { ...init, body: init.body }));
      return new Response('', { headers: { etag: '"e"' } });
    });
    const moved: number[] = [];
    const answer = await sender.send({ ...part, url: proxy.url, onProgress: (sent) => moved.push(sent) });
    expect(answer).toEqual({ status: 200, etag: '"e"', body: '', retryAfterSeconds: undefined });
    expect(await seen[0]?.text()).toBe('234');
    expect(seen[0]?.headers.get('content-type')).toBeNull();
    expect(seen[0]?.headers.get('x-amz-meta-a')).toBe('b');
    // Nothing is known before the answer.
    expect(moved).toEqual([3]);
    expect(sender.seesProgress).toBe(false);
    expect(servers.errors).toEqual([]);
  });

  it.each([
    ['7', 7],
    ['0', undefined],
    ['-1', undefined],
    ['Fri, 27 Nov 2026 12:00:00 GMT', undefined],
  ])('reads Retry-After: %s', async (value, seconds) => {
    const sender = answering(
      new Response('x'.repeat(20_000), { status: 503, headers: { 'retry-after': value } }),
    );
    const answer = await sender.send({ ...part, url: 'http://store.test' });
    expect(answer).toMatchObject({ status: 503, etag: undefined, retryAfterSeconds: seconds });
    expect(answer.body).toHaveLength(16 * 1024);
  });

  it('ends with the reason of its signal', async () => {
    const { proxy } = await start(() => ({ kind: 'swallow' }));
    const controller = new AbortController();
    const sending = createFetchPartSender().send({ ...part, url: proxy.url, signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(sending).rejects.toThrow('enough');
  });
});
