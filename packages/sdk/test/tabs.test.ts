import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createFileResumeStore,
  createUploader,
  type NodeInput,
  type TransferState,
  type Uploader,
  type UploadHandle,
} from '@longhaul/sdk';
import { createNodePlatform } from '../src/lib/platform/node/node-platform.ts';
import { shareUpload } from '../src/lib/tabs/share-upload.ts';
import { createUploaderOn } from '../src/lib/uploader/create-uploader-on.ts';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type Fate, startStoreProxy, type StoreProxy } from './support/store-proxy.ts';

// Node has the locks and the channels of browsers: two uploaders of one process stand for two tabs.

const MIB = 1024 ** 2;
const PART = 5 * MIB;
const PARTS = 6;

let servers: TestServers;
let proxy: StoreProxy;
let fateOf: (partNumber: number, attempt: number) => Fate;
let creates: number;
let bytes: Uint8Array<ArrayBuffer>;

beforeEach(async () => {
  // The first parts arrive, the others are taken and never answered until this changes.
  fateOf = (partNumber) => ({ kind: partNumber <= 3 ? 'pass' : 'swallow' });
  creates = 0;
  bytes = new Uint8Array(randomBytes(PARTS * PART));
  servers = await startServers({
    publicEndpoint: async (storeUrl) =>
      (proxy = await startStoreProxy(storeUrl, (partNumber, attempt) => fateOf(partNumber, attempt))).url,
  });
});
afterEach(async () => {
  await servers.stop();
  await proxy.stop();
});

function openTab(platform = createNodePlatform({})): Uploader<NodeInput> {
  const coordinator = async (request: Request): Promise<Response> => {
    if (request.url.endsWith('/v1/uploads')) creates++;
    return await servers.coordinator(request);
  };
  const options = { coordinator, concurrency: 2, partSizeBytes: PART };
  return createUploaderOn(platform, options, { shareUpload });
}

const whenStored = (upload: UploadHandle, count: number): Promise<void> =>
  new Promise((resolve) => {
    const stored = new Set<number>();
    upload.on('part', ({ partNumber, isStored }) => {
      if (isStored && stored.add(partNumber).size >= count) resolve();
    });
  });

/** One that leads and has sent three parts, and one that follows and has heard of them. */
async function startTwo(stop?: AbortSignal): Promise<{ leader: UploadHandle; follower: UploadHandle }> {
  const leader = openTab().upload(bytes, { ...(stop && { signal: stop }) });
  await whenStored(leader, 3);
  const follower = openTab().upload(bytes);
  await whenStored(follower, 3);
  return { leader, follower };
}

async function expectStored({ result }: UploadHandle): Promise<void> {
  const { key } = await result;
  const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
  expect(digest(await servers.read(key))).toBe(digest(bytes));
}

const inState = async (upload: UploadHandle, kind: TransferState['kind']): Promise<void> =>
  await expect.poll(() => upload.state.kind, { timeout: 20_000 }).toBe(kind);

describe('one file in two tabs', () => {
  it('is sent by one of them, and both tell of it and have the result', async () => {
    fateOf = () => ({ kind: 'pass' });
    const leader = openTab().upload(bytes);
    const follower = openTab().upload(bytes);
    const sent: number[] = [];
    follower.on('progress', ({ sentBytes }) => sent.push(sentBytes));
    await expectStored(leader);
    expect(await follower.result).toEqual(await leader.result);
    expect({ creates, puts: proxy.puts.length }).toEqual({ creates: 1, puts: PARTS });
    expect(follower.state).toMatchObject({ kind: 'completed', upload: { uploadId: leader.uploadId } });
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(sent.at(-1)).toBe(bytes.length);
  });

  it('becomes two objects if they ask for different ones', async () => {
    fateOf = () => ({ kind: 'pass' });
    const one = openTab().upload(bytes, { contentType: 'text/one' });
    const two = openTab().upload(bytes, { contentType: 'text/two' });
    await expectStored(one);
    await expectStored(two);
    expect(one.uploadId).not.toBe(two.uploadId);
  });

  it('goes on in the other when the first is stopped, without sending again what is stored', async () => {
    const stop = new AbortController();
    const { leader, follower } = await startTwo(stop.signal);
    stop.abort(new Error('enough'));
    await expect(leader.result).rejects.toThrow('enough');
    fateOf = () => ({ kind: 'pass' });
    await expectStored(follower);
    expect(follower.uploadId).toBe(leader.uploadId);
    expect(follower.state.upload?.resumedParts).toBe(3);
    expect(proxy.puts.filter((partNumber) => partNumber <= 3)).toHaveLength(3);
  });

  it('is told to those who follow, also by one who takes over', async () => {
    const stop = new AbortController();
    const { leader, follower } = await startTwo(stop.signal);
    const third = openTab().upload(bytes);
    await whenStored(third, 3);
    fateOf = (partNumber) => ({ kind: partNumber < PARTS ? 'pass' : 'swallow' });
    const heard = whenStored(third, PARTS - 1);
    stop.abort(new Error('enough'));
    await expect(leader.result).rejects.toThrow('enough');
    await heard;
    expect([follower.state.kind, third.state.kind]).toEqual(['sending', 'sending']);
    const ended = expect(third.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await Promise.all([follower.cancel(), ended]);
  });

  it('is left by a follower that is stopped, and by nobody else', async () => {
    const { leader, follower } = await startTwo();
    const ended = expect(follower.result).rejects.toMatchObject({ code: 'CANCELLED' });
    const stop = new AbortController();
    const third = openTab().upload(bytes, { signal: stop.signal });
    await whenStored(third, 3);
    stop.abort(new Error('enough'));
    await expect(third.result).rejects.toThrow('enough');
    expect(third.state.kind).toBe('stopped');
    expect(leader.state.kind).toBe('sending');
    await Promise.all([leader.cancel(), ended]);
  });

  it('is paused and resumed by either', async () => {
    const { leader, follower } = await startTwo();
    follower.pause();
    await inState(leader, 'paused');
    leader.resume();
    await inState(follower, 'sending');
    leader.pause();
    await inState(follower, 'paused');
    fateOf = () => ({ kind: 'pass' });
    follower.resume();
    await expectStored(leader);
    await expectStored(follower);
  });

  it('is cancelled by a follower for both', async () => {
    const { leader, follower } = await startTwo();
    const ended = [leader, follower].map(async ({ result }) => {
      await expect(result).rejects.toMatchObject({ code: 'CANCELLED' });
    });
    await expect(follower.cancel()).resolves.toBe('cancelled');
    await Promise.all(ended);
    expect([leader.state.kind, follower.state.kind]).toEqual(['cancelled', 'cancelled']);
    expect(await servers.openUploads()).toBe(0);
  });

  it('gives a follower that cancels too late the result', async () => {
    const { leader, follower } = await startTwo();
    fateOf = () => ({ kind: 'pass' });
    leader.pause();
    leader.resume();
    await leader.result;
    await expect(follower.cancel()).resolves.toBe('completed');
  });

  it('stays paused when it goes on in another tab', async () => {
    const stop = new AbortController();
    const { leader, follower } = await startTwo(stop.signal);
    follower.pause();
    await inState(leader, 'paused');
    stop.abort(new Error('enough'));
    await expect(leader.result).rejects.toThrow('enough');
    fateOf = () => ({ kind: 'pass' });
    await new Promise((passed) => setTimeout(passed, 1_000));
    expect(follower.state.kind).toBe('paused');
    follower.resume();
    await expectStored(follower);
  });
});

describe('a tab that comes after an upload has expired', () => {
  it('hears nothing of the parts that are gone', async () => {
    const { leader, follower } = await startTwo();
    const { uploadId } = leader;
    leader.pause();
    await servers.expireUploads();
    const before = creates;
    fateOf = () => ({ kind: creates > before ? 'swallow' : 'pass' });
    leader.resume();
    await expect
      .poll(() => leader.uploadId !== uploadId && leader.state.kind, { timeout: 20_000 })
      .toBe('sending');
    const stored: number[] = [];
    const newcomer = openTab().upload(bytes);
    newcomer.on('part', ({ partNumber, isStored }) => {
      if (isStored) stored.push(partNumber);
    });
    await inState(newcomer, 'sending');
    expect(stored).toEqual([]);
    const ended = [follower, newcomer].map(async ({ result }) => {
      await expect(result).rejects.toMatchObject({ code: 'CANCELLED' });
    });
    await leader.cancel();
    await Promise.all(ended);
  });
});

describe('what a follower asks for', () => {
  it.each(['pause', 'cancel'] as const)(
    'is heard although its %s came before it knew of a leader',
    async (ask) => {
      const { leader, follower } = await startTwo();
      const platform = createNodePlatform({});
      const looking = Promise.withResolvers<void>();
      const looked = Promise.withResolvers<void>();
      const slow: typeof platform = {
        ...platform,
        async openSource(input, hints) {
          const source = await platform.openSource(input, hints);
          const read: typeof source.read = async (...range) => {
            looking.resolve();
            await looked.promise;
            return await source.read(...range);
          };
          return { ...source, read };
        },
      };
      const third = openTab(slow).upload(bytes);
      await looking.promise;
      const ended = [leader, follower, third].map(async ({ result }) => {
        await expect(result).rejects.toMatchObject({ code: 'CANCELLED' });
      });
      if (ask === 'pause') {
        third.pause();
        looked.resolve();
        await inState(leader, 'paused');
        await inState(follower, 'paused');
      }
      void third.cancel();
      looked.resolve();
      await Promise.all(ended);
      expect(await servers.openUploads()).toBe(0);
    },
  );

  it('is over once somebody else has asked for something else', async () => {
    const stop = new AbortController();
    const leader = openTab().upload(bytes, { signal: stop.signal });
    await whenStored(leader, 3);
    const next = openTab().upload(bytes);
    await whenStored(next, 3);
    const last = openTab().upload(bytes);
    await whenStored(last, 3);
    last.pause();
    await inState(leader, 'paused');
    leader.resume();
    await inState(last, 'sending');
    fateOf = () => ({ kind: 'pass' });
    stop.abort(new Error('enough'));
    await expect(leader.result).rejects.toThrow('enough');
    await expectStored(next);
    await expectStored(last);
  });
});

describe('one file in two processes', () => {
  it('becomes one upload, and both of them have the result', async () => {
    fateOf = () => ({ kind: 'pass' });
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-twice-'));
    const file = join(folder, 'twice.bin');
    await writeFile(file, bytes);
    // Hints are what processes share; for the rest each knows nothing of the other.
    const start = (more: { maxBytesPerSecond?: number } = {}): UploadHandle =>
      createUploader({
        ...more,
        coordinator: servers.coordinator,
        partSizeBytes: PART,
        resumeStore: createFileResumeStore(join(folder, 'hints')),
      }).upload(file);
    // Slow, so that it is still under way when the other one begins.
    const first = start({ maxBytesPerSecond: 4 * MIB });
    await whenStored(first, 1);
    const second = start();
    await expectStored(first);
    await expectStored(second);
    expect(second.uploadId).toBe(first.uploadId);
    expect(await servers.openUploads()).toBe(0);
    expect(await servers.countObjects()).toBe(1);
    await rm(folder, { recursive: true });
  });
});
