import { createHash, randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CoordinatorFetch,
  createUploader,
  type NodeUploaderOptions,
  type TransferState,
  type UploadHandle,
  type UploadProgress,
} from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type Fate, startStoreProxy, type StoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const PART = 5 * MIB;

let servers: TestServers;
let proxy: StoreProxy;
let fateOf: (partNumber: number, attempt: number) => Fate;
let creates: number;

beforeEach(async () => {
  fateOf = () => ({ kind: 'pass' });
  creates = 0;
  servers = await startServers({
    publicEndpoint: async (storeUrl) =>
      (proxy = await startStoreProxy(storeUrl, (partNumber, attempt) => fateOf(partNumber, attempt))).url,
  });
});
afterEach(async () => {
  await servers.stop();
  await proxy.stop();
});

const coordinator: CoordinatorFetch = async (request) => {
  if (request.url.endsWith('/v1/uploads')) creates++;
  return await servers.coordinator(request);
};

const options = (more: Partial<NodeUploaderOptions> = {}): NodeUploaderOptions => ({
  coordinator,
  concurrency: 2,
  partSizeBytes: PART,
  ...more,
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function expectStored(upload: UploadHandle, bytes: Uint8Array): Promise<void> {
  const { key } = await upload.result;
  expect(sha256(await servers.read(key))).toBe(sha256(bytes));
}

const whenStored = (upload: UploadHandle, count: number): Promise<void> =>
  new Promise((resolve) => {
    const stored = new Set<number>();
    upload.on('part', ({ partNumber, isStored }) => {
      if (isStored && stored.add(partNumber).size >= count) resolve();
    });
  });

const whenState = (upload: UploadHandle, kind: TransferState['kind']): Promise<void> =>
  new Promise((resolve) => {
    if (upload.state.kind === kind) return resolve();
    upload.on('state', (state) => state.kind === kind && resolve());
  });

describe('pause', () => {
  it('stops what is under way, keeps what is stored, and goes on without opening the upload again', async () => {
    const bytes = randomBytes(12 * PART);
    const upload = createUploader(options({ maxBytesPerSecond: 60 * MIB })).upload(bytes);
    const states: TransferState['kind'][] = [];
    upload.on('state', ({ kind }) => states.push(kind));
    await whenStored(upload, 4);
    upload.pause();
    expect(upload.state).toMatchObject({ kind: 'paused', upload: { plan: { partCount: 12 } } });
    expect(upload.progress).toMatchObject({ bytesPerSecond: 0, etaSeconds: undefined });
    const { sentBytes } = upload.progress;
    const putsBefore = proxy.puts.length;
    await setTimeout(300);
    expect(proxy.puts.length).toBe(putsBefore);
    expect(upload.progress.sentBytes).toBe(sentBytes);
    expect(await servers.openUploads()).toBe(1);

    upload.resume();
    await expectStored(upload, bytes);
    expect(states).toEqual(['sending', 'paused', 'sending', 'completing', 'completed']);
    expect(creates).toBe(1);
    // Only what was under way was sent twice.
    expect(proxy.puts.length).toBeLessThanOrEqual(12 + 2);
  });

  it('draws parts that were under way as not sent, and its progress stays', async () => {
    fateOf = (_part, attempt) => (attempt === 0 ? { kind: 'swallow' } : { kind: 'pass' });
    const bytes = randomBytes(4 * PART);
    const upload = createUploader(options()).upload(bytes);
    const parts = new Map<number, number>();
    const sent: number[] = [];
    upload.on('part', ({ partNumber, sentBytes }) => void parts.set(partNumber, sentBytes));
    upload.on('progress', ({ sentBytes }) => sent.push(sentBytes));
    await expect.poll(() => upload.progress.sentBytes, { timeout: 10_000 }).toBe(2 * PART);
    upload.pause();
    await expect.poll(() => [...parts.values()]).toEqual([0, 0]);
    expect(upload.progress.sentBytes).toBe(2 * PART);
    fateOf = () => ({ kind: 'pass' });
    upload.resume();
    await expectStored(upload, bytes);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
  });

  it('holds an upload back that has not begun', async () => {
    const bytes = randomBytes(3 * PART);
    const upload = createUploader(options()).upload(bytes);
    upload.pause();
    await setTimeout(100);
    expect({ creates, state: upload.state }).toEqual({ creates: 0, state: { kind: 'paused' } });
    upload.resume();
    expect(upload.state.kind).toBe('opening');
    await expectStored(upload, bytes);
  });

  it('lets others through, however many are paused', async () => {
    const uploader = createUploader(options({ concurrency: 1 }));
    const paused = Array.from({ length: 5 }, () => randomBytes(2 * PART)).map((bytes) => {
      const upload = uploader.upload(bytes);
      const leave = upload.on('state', () => {
        leave();
        upload.pause();
      });
      return { upload, bytes };
    });
    const other = randomBytes(2 * PART);
    await expectStored(uploader.upload(other), other);
    for (const { upload } of paused) {
      await whenState(upload, 'paused');
      upload.resume();
    }
    for (const { upload, bytes } of paused) await expectStored(upload, bytes);
  });

  it('does nothing to an upload that is over, and resuming nothing to one that is not paused', async () => {
    const bytes = randomBytes(2 * PART);
    const upload = createUploader(options()).upload(bytes);
    upload.resume();
    await expectStored(upload, bytes);
    upload.pause();
    expect(upload.state.kind).toBe('completed');
  });

  it('ends by a cancel, which leaves nothing in the store', async () => {
    const upload = createUploader(options({ maxBytesPerSecond: 40 * MIB })).upload(randomBytes(6 * PART));
    await whenStored(upload, 2);
    upload.pause();
    const ended = expect(upload.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(upload.cancel()).resolves.toBe('cancelled');
    await ended;
    upload.resume();
    expect(upload.state.kind).toBe('cancelled');
    expect(await servers.openUploads()).toBe(0);
  });

  it('ends by a cancel before anything has begun', async () => {
    const upload = createUploader(options()).upload(randomBytes(3 * PART));
    upload.pause();
    const ended = expect(upload.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(upload.cancel()).resolves.toBe('cancelled');
    await ended;
    expect(creates).toBe(0);
  });

  it('ends by the caller’s signal, and the upload goes on later', async () => {
    const bytes = randomBytes(6 * PART);
    const stop = new AbortController();
    const uploader = createUploader(options({ maxBytesPerSecond: 40 * MIB }));
    const first = uploader.upload(bytes, { signal: stop.signal });
    await whenStored(first, 2);
    first.pause();
    stop.abort(new Error('enough'));
    await expect(first.result).rejects.toThrow('enough');
    expect(first.state.kind).toBe('stopped');
    const second = uploader.upload(bytes);
    await expectStored(second, bytes);
    expect(second.uploadId).toBe(first.uploadId);
    expect(second.state.upload?.resumedParts).toBeGreaterThanOrEqual(2);
  });

  it('may come and go at any time', async () => {
    const bytes = randomBytes(10 * PART);
    const upload = createUploader(options({ maxBytesPerSecond: 100 * MIB })).upload(bytes);
    let over = false;
    upload.result.then(
      () => (over = true),
      () => (over = true),
    );
    for (let turn = 0; turn < 40 && !over; turn++) {
      upload.pause();
      await setTimeout(Math.random() * 5);
      upload.resume();
      await setTimeout(Math.random() * 60);
    }
    await expectStored(upload, bytes);
    expect(creates).toBe(1);
  });
});

describe('an upload that expired', () => {
  it('begins again by itself, once it is gone on with', async () => {
    const bytes = randomBytes(6 * PART);
    const upload = createUploader(options({ maxBytesPerSecond: 40 * MIB })).upload(bytes);
    const states: TransferState[] = [];
    const sent: number[] = [];
    upload.on('state', (state) => states.push(state));
    upload.on('progress', ({ sentBytes }) => sent.push(sentBytes));
    await whenStored(upload, 2);
    const first = upload.uploadId;
    upload.pause();
    await servers.expireUploads();
    expect(await servers.openUploads()).toBe(0);
    upload.resume();
    await expectStored(upload, bytes);
    expect(upload.uploadId).not.toBe(first);
    expect(states.map(({ kind }) => kind)).toEqual([
      'sending',
      'paused',
      'sending',
      'completing',
      'opening',
      'sending',
      'completing',
      'completed',
    ]);
    expect(states[4]).toMatchObject({
      restartReason: { code: 'UPLOAD_ENDED', problem: { code: 'upload-expired' } },
    });
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(sent.at(-1)).toBe(bytes.length);
    expect(await servers.openUploads()).toBe(0);
  });

  it('begins again once and no more', async () => {
    const refusing: CoordinatorFetch = async (request) =>
      request.url.endsWith('/complete')
        ? Response.json({ code: 'upload-expired', status: 410, detail: 'Too late.' }, { status: 410 })
        : await coordinator(request);
    const upload = createUploader(options({ coordinator: refusing })).upload(randomBytes(2 * PART));
    await expect(upload.result).rejects.toMatchObject({ code: 'UPLOAD_ENDED' });
    expect(creates).toBe(2);
    expect(upload.state.kind).toBe('failed');
  });
});

describe('iterating over an upload', () => {
  it('gives its progress, and ends with it', async () => {
    const bytes = randomBytes(6 * PART);
    const upload = createUploader(options({ maxBytesPerSecond: 60 * MIB })).upload(bytes);
    const seen: UploadProgress[] = [];
    for await (const progress of upload) seen.push(progress);
    expect(upload.state.kind).toBe('completed');
    expect(seen.length).toBeGreaterThan(2);
    const sent = seen.map(({ sentBytes }) => sentBytes);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ sentBytes: bytes.length, totalBytes: bytes.length });
  });

  it('gives a slow consumer the newest, and not what came before', async () => {
    const upload = createUploader(options({ maxBytesPerSecond: 30 * MIB })).upload(randomBytes(6 * PART));
    let told = 0;
    upload.on('progress', () => told++);
    const seen: UploadProgress[] = [];
    for await (const progress of upload) {
      expect(progress).toBe(upload.progress);
      seen.push(progress);
      await setTimeout(400);
    }
    expect(seen.length).toBeLessThan(told / 2);
    expect(seen.at(-1)?.sentBytes).toBe(6 * PART);
  });

  it('throws what the result rejects with', async () => {
    const upload = createUploader(options({ maxBytesPerSecond: 60 * MIB })).upload(randomBytes(6 * PART));
    const follow = async (): Promise<void> => {
      for await (const { sentBytes } of upload) if (sentBytes > 0) void upload.cancel();
    };
    await expect(follow()).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('may be left early', async () => {
    const bytes = randomBytes(2 * PART);
    const upload = createUploader(options()).upload(bytes);
    for await (const { totalBytes } of upload) if (totalBytes) break;
    await expectStored(upload, bytes);
  });
});
