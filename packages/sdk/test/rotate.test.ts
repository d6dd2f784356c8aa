/** Another encryption for what is uploaded, from the SDK over a coordinator to a store. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { createUploader, type CoordinatorFetch, type UploadProgress } from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';

const MIB = 1024 ** 2;
const content = randomBytes(6 * MIB);
const retry = { baseDelayMs: 1, throttledBaseDelayMs: 1, maxAttempts: 3 };

let servers: TestServers;
afterEach(() => servers.stop());

/** Two parts are a copy here. */
const start = async (settings: Parameters<typeof startServers>[0] = {}) =>
  (servers = await startServers({ profile: { maxCopySizeBytes: 5 * MIB }, ...settings }));

const uploaderOn = (coordinator: CoordinatorFetch = servers.coordinator) =>
  createUploader({ coordinator, retry, partSizeBytes: 5 * MIB });

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Every body that the coordinator is sent. */
function listenTo(told: string[]): CoordinatorFetch {
  return async (request) => {
    told.push(await request.clone().text());
    return await servers.coordinator(request);
  };
}

async function uploaded(encryption?: { mode: 'sse-c'; key: Uint8Array }) {
  return await uploaderOn().upload(content, encryption && { encryption }).result;
}

describe('rotating an object', () => {
  it('from key to key: the new one opens it, the old one does not, and progress is told', async () => {
    await start();
    const oldKey = randomBytes(32);
    const { uploadId, key } = await uploaded({ mode: 'sse-c', key: oldKey });
    const told: UploadProgress[] = [];
    const rotation = uploaderOn().rotate(uploadId, {
      encryption: { mode: 'sse-c' },
      oldKey,
      onProgress: (progress) => told.push(progress),
    });
    expect(Buffer.from(rotation.customerKey ?? '', 'base64')).toHaveLength(32);
    const status = await rotation.result;
    expect(status).toMatchObject({
      state: 'DONE',
      result: { key: `${key}.1`, encryption: { mode: 'sse-c' } },
    });
    expect(hashOf(await servers.read(`${key}.1`, rotation.customerKey))).toBe(hashOf(content));
    await expect(servers.read(`${key}.1`, oldKey.toString('base64'))).rejects.toThrow();
    expect(await servers.keys()).toEqual([`${key}.1`]);
    expect(told.at(-1)).toMatchObject({ sentBytes: content.length, totalBytes: content.length });
  });

  it('sends keys where they are asked for, and none where there are none', async () => {
    await start();
    const told: string[] = [];
    const { uploadId, key } = await uploaded();
    const next = randomBytes(32);
    await uploaderOn(listenTo(told)).rotate(uploadId, { encryption: { mode: 'sse-c', key: next } }).result;
    expect(told.map((body) => body.includes(next.toString('base64')))).toEqual([false, true]);
    const last = uploaderOn(listenTo(told)).rotate(uploadId, {
      encryption: { mode: 'sse-s3' },
      oldKey: next,
    });
    expect(last.customerKey).toBeUndefined();
    expect(await last.result).toMatchObject({ generation: 2, result: { key: `${key}.2` } });
    expect(hashOf(await servers.read(`${key}.2`))).toBe(hashOf(content));
  });

  it('waits while the store is at work, and repeats the same request', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const told: string[] = [];
    // Twice it looks as if nothing had ended yet.
    const slow: CoordinatorFetch = async (request) => {
      const answer = await listenTo(told)(request);
      if (told.length > 2) return answer;
      const status = (await answer.json()) as object;
      return Response.json(
        { ...status, state: 'COPYING', copiedBytes: 0, retryAfterSeconds: 0.01 },
        { status: 202 },
      );
    };
    const rotation = uploaderOn(slow).rotate(uploadId, { encryption: { mode: 'sse-s3' } });
    expect(await rotation.result).toMatchObject({ state: 'DONE', generation: 1 });
    expect(new Set(told)).toEqual(new Set([told[0]]));
    expect(told).toHaveLength(3);
    expect(await servers.keys()).toEqual([`${key}.1`]);
  });

  it('goes on under the same key after it was cut off, and under the same id without one', async () => {
    await start();
    const { uploadId, key } = await uploaded();
    const encryption = { mode: 'sse-c', key: randomBytes(32) } as const;
    const enough = new AbortController();
    const cut: CoordinatorFetch = async (request) => {
      const answer = await servers.coordinator(request);
      if (!(await answer.clone().text()).includes('DONE')) return answer;
      enough.abort(new Error('enough'));
      throw new Error('the answer is lost');
    };
    const first = uploaderOn(cut).rotate(uploadId, { encryption, signal: enough.signal });
    await expect(first.result).rejects.toThrow('enough');
    expect(await uploaderOn().rotate(uploadId, { encryption }).result).toMatchObject({
      generation: 1,
      result: { key: `${key}.1` },
    });
    const again = {
      encryption: { mode: 'sse-s3' },
      oldKey: encryption.key,
      rotationId: randomUUID(),
    } as const;
    for (const _time of [1, 2])
      expect(await uploaderOn().rotate(uploadId, again).result).toMatchObject({ generation: 2 });
  });
});

describe('a rotation that is refused', () => {
  it('says so with the code of the coordinator', async () => {
    await start();
    const oldKey = randomBytes(32);
    const { uploadId } = await uploaded({ mode: 'sse-c', key: oldKey });
    const refusals = [
      [randomUUID(), { encryption: { mode: 'sse-s3' }, oldKey }, 'upload-not-found'],
      [uploadId, { encryption: { mode: 'sse-s3' } }, 'customer-key-needed'],
      [uploadId, { encryption: { mode: 'sse-s3' }, oldKey: randomBytes(32) }, 'customer-key-mismatch'],
    ] as const;
    for (const [nodeId, options, code] of refusals)
      await expect(uploaderOn().rotate(nodeId, options).result).rejects.toMatchObject({
        code: 'COORDINATOR_REFUSED',
        problem: { code },
      });
  });

  it('takes no key that is none, and sends none in the clear', async () => {
    await start();
    const { uploadId } = await uploaded();
    const wrong = [
      { encryption: { mode: 'sse-c', key: 'short' } },
      { encryption: { mode: 'sse-s3' }, oldKey: 'short' },
    ] as const;
    for (const options of wrong)
      await expect(uploaderOn().rotate(uploadId, options).result).rejects.toThrow(TypeError);
  });
});
