import { createHash, randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createUploader, type CoordinatorFetch } from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type Fate, s3Error, startStoreProxy, type StoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const content = randomBytes(11 * MIB);
const key = randomBytes(32);
const base64 = key.toString('base64');
const encryption = { mode: 'sse-c', key } as const;
const retry = { baseDelayMs: 1, throttledBaseDelayMs: 1 };

let servers: TestServers;
let proxy: StoreProxy;
afterEach(async () => {
  await servers.stop();
  await proxy.stop();
});

/** Part 0 is what is no part: the call that begins the upload. */
async function start(fateOf: (partNumber: number, attempt: number) => Fate = pass): Promise<void> {
  const publicEndpoint = async (storeUrl: string) => (proxy = await startStoreProxy(storeUrl, fateOf)).url;
  servers = await startServers({ publicEndpoint });
}

const pass = (): Fate => ({ kind: 'pass' });

/** As a coordinator of another mind would answer. */
function changing(change: (text: string) => string): CoordinatorFetch {
  return async (request) => {
    const answer = await servers.coordinator(request);
    return new Response(change(await answer.text()), answer);
  };
}

function upload(coordinator: CoordinatorFetch = servers.coordinator, bytes: Uint8Array = content) {
  const uploader = createUploader({ coordinator, retry, partSizeBytes: 5 * MIB });
  return uploader.upload(bytes, { encryption }).result;
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('an upload under a key of the caller', () => {
  it('tells the coordinator nothing that the key could be read from', async () => {
    await start();
    const told: string[] = [];
    const result = await upload(async (request) => {
      told.push(request.url, JSON.stringify([...request.headers]), await request.clone().text());
      const answer = await servers.coordinator(request);
      told.push(await answer.clone().text());
      return answer;
    });
    for (const form of [base64, key.toString('base64url'), key.toString('hex'), encodeURIComponent(base64)])
      expect(told.join('\n')).not.toContain(form);
    expect(told.join('\n')).toContain(createHash('md5').update(key).digest('base64'));
    expect(hashOf(await servers.read(result.key, base64))).toBe(hashOf(content));
  });

  it('is begun again while the store stumbles, and leaves one upload of it', async () => {
    await start((partNumber, attempt) => {
      if (partNumber !== 0 || attempt > 3) return { kind: 'pass' };
      if (attempt === 0) return { kind: 'answer', status: 503, body: s3Error('SlowDown') };
      return attempt === 1 ? { kind: 'answer', status: 200, body: '<html>' } : { kind: 'pass' };
    });
    const result = await upload();
    expect(hashOf(await servers.read(result.key, base64))).toBe(hashOf(content));
    expect(proxy.puts.filter((part) => part === 0)).toHaveLength(3);
  });

  it('asks for another URL when the store does not take the first', async () => {
    await start((partNumber, attempt) =>
      partNumber === 0 && attempt === 0
        ? { kind: 'answer', status: 403, body: s3Error('AccessDenied', 'Request has expired') }
        : { kind: 'pass' },
    );
    const result = await upload();
    expect(hashOf(await servers.read(result.key, base64))).toBe(hashOf(content));
  });

  it('says that the bucket may block it', async () => {
    await start((partNumber) =>
      partNumber === 0 ? { kind: 'answer', status: 403, body: s3Error('AccessDenied') } : { kind: 'pass' },
    );
    await expect(upload()).rejects.toMatchObject({
      code: 'STORE_REFUSED',
      message: expect.stringContaining('block SSE-C'),
    });
  });

  it.each([
    ['in parts', content],
    ['in one PUT', content.subarray(0, MIB)],
  ])('sends nothing %s that is not bound to the key', async (_how, bytes) => {
    await start();
    const ignorant: CoordinatorFetch = async (request) => {
      const text = await request.text();
      const { encryption: _ignored, ...body } = text ? JSON.parse(text) : {};
      const init = {
        method: request.method,
        headers: request.headers,
        ...(text && { body: JSON.stringify(body) }),
      };
      return await servers.coordinator(new Request(request.url, init));
    };
    await expect(upload(ignorant, bytes)).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
    expect(proxy.puts).toEqual([]);
  });

  it.each([
    ['in parts', content],
    ['in one PUT', content.subarray(0, MIB)],
  ])('sends no key in the clear, %s', async (_how, bytes) => {
    await start();
    const elsewhere = changing((text) => text.replaceAll(proxy.url, 'http://store.example'));
    await expect(upload(elsewhere, bytes)).rejects.toMatchObject({
      code: 'KEY_UNUSABLE',
      message: expect.not.stringContaining(base64),
    });
    expect(proxy.puts).toEqual([]);
  });
});

describe('an upload under a key of the caller, to a store that takes none that was not signed', () => {
  const entrusted = { ...encryption, entrustKey: true } as const;

  async function startKeeping(): Promise<string[]> {
    const publicEndpoint = async (storeUrl: string) => (proxy = await startStoreProxy(storeUrl, pass)).url;
    servers = await startServers({ publicEndpoint, profile: { ssecBlind: false }, keepsKeys: true });
    return [];
  }

  it('tells the coordinator the key where it asks for it, and in creates alone', async () => {
    const told = await startKeeping();
    const uploader = createUploader({
      retry,
      partSizeBytes: 5 * MIB,
      coordinator: async (request) => {
        told.push(`${new URL(request.url).pathname} ${await request.clone().text()}`);
        return await servers.coordinator(request);
      },
    });
    const { key: objectKey } = await uploader.upload(content, { encryption: entrusted }).result;
    const withKey = told.map((call) => call.includes(base64));
    expect(withKey.filter(Boolean)).toHaveLength(1);
    // The first one asks whether it can do without.
    expect(withKey.slice(0, 2)).toEqual([false, true]);
    expect(hashOf(await servers.read(objectKey, base64))).toBe(hashOf(content));
    await expect(servers.read(objectKey)).rejects.toThrow();
  });

  it('tells it nothing without leave', async () => {
    const told = await startKeeping();
    const sent = upload(async (request) => {
      told.push(await request.clone().text());
      return await servers.coordinator(request);
    });
    await expect(sent).rejects.toMatchObject({ code: 'KEY_UNUSABLE' });
    expect(told).toHaveLength(1);
    expect(told[0]).not.toContain(base64);
    expect(await servers.keys()).toEqual([]);
  });
});
