import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ByteStream, createUploader, type TransferState, type UploadProgress } from '@longhaul/sdk';
import { afterEach, describe, expect, it } from 'vitest';
import { startServers, type TestServers } from './support/start-servers.ts';
import { type Fate, s3Error, startStoreProxy } from './support/store-proxy.ts';

const MIB = 1024 ** 2;
const CHUNK_BYTES = 64 * 1024;

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function start(settings: Parameters<typeof startServers>[0] = {}): Promise<TestServers> {
  const servers = await startServers(settings);
  cleanUps.push(() => servers.stop());
  return servers;
}

async function startTroubled(fateOf: (partNumber: number, attempt: number) => Fate): Promise<TestServers> {
  return await start({
    publicEndpoint: async (storeUrl) => {
      const proxy = await startStoreProxy(storeUrl, fateOf);
      cleanUps.push(proxy.stop);
      return proxy.url;
    },
  });
}

/** Yields the bytes in chunks from one buffer that it uses again, as a careful producer does; then fails, if it has to. */
async function* chunksOf(bytes: Uint8Array, failure?: Error): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  for (let offset = 0; offset < bytes.byteLength; offset += CHUNK_BYTES) {
    const chunk = bytes.subarray(offset, offset + CHUNK_BYTES);
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.byteLength);
  }
  if (failure) throw failure;
}

/** Says nothing after its first bytes until it is let go. */
function silentAfter(bytes: Uint8Array): Readable {
  const stream = new Readable({ read: () => {} });
  stream.push(bytes);
  return stream;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const KINDS: readonly [string, (bytes: Uint8Array) => ByteStream][] = [
  ['a Readable', (bytes) => Readable.from([bytes])],
  ['a ReadableStream', (bytes) => new Blob([new Uint8Array(bytes)]).stream()],
  ['a generator', (bytes) => chunksOf(bytes)],
];
const PARTS_OF_5_MIB = { partSizeBytes: 5 * MIB };

describe('a stream', () => {
  it('does not hold back others while its upload is paused', async () => {
    const servers = await startTroubled(() => ({ kind: 'pass' }));
    const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB, concurrency: 3 });
    let readBytes = 0;
    const counted = Readable.from(chunksOf(new Uint8Array(60 * MIB)), { highWaterMark: 1 }).map(
      (chunk: Uint8Array) => {
        readBytes += chunk.byteLength;
        return new Uint8Array(chunk);
      },
    );
    const paused = uploader.upload(counted);
    let readBefore = 0;
    paused.on('part', () => {
      readBefore ||= readBytes;
      paused.pause();
    });
    await expect.poll(() => paused.state.kind, { timeout: 10_000 }).toBe('paused');
    await sleep(100);
    const bytes = randomBytes(12 * MIB);
    const { key } = await uploader.upload(chunksOf(bytes)).result;
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
    // Nor is it read on meanwhile, but for the part that it was in.
    expect(readBytes - readBefore).toBeLessThan(6 * MIB);
    const ended = expect(paused.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await paused.cancel();
    await ended;
  });

  it('that fails while the upload is paused is not read anew', async () => {
    const servers = await start();
    const failing = Promise.withResolvers<never>();
    async function* failsLater(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(100);
      await failing.promise;
    }
    const upload = createUploader(servers).upload(failsLater());
    const ended = expect(upload.result).rejects.toMatchObject({ code: 'SOURCE_FAILED' });
    await sleep(50);
    upload.pause();
    failing.reject(new Error('cut off'));
    await sleep(50);
    upload.resume();
    await ended;
    expect(await servers.countObjects()).toBe(0);
  });

  const SIZES: readonly [string, number, string, number][] = [
    ['of nothing', 0, 'inline', 1],
    ['that fits into the create call', 1_000, 'inline', 1],
    ['that fits into one part', 5 * MIB, 'single', 1],
    ['of one byte more', 5 * MIB + 1, 'multipart', 2],
    ['of whole parts', 15 * MIB, 'multipart', 3],
    ['of many parts', 23 * MIB + 7, 'multipart', 5],
  ];
  const CASES = KINDS.flatMap(([kind, make]) =>
    SIZES.map(([what, sizeBytes, mode, partCount]) => ({ kind, make, what, sizeBytes, mode, partCount })),
  );
  it.each(CASES)('$kind $what is stored byte for byte', async ({ make, sizeBytes, mode, partCount }) => {
    const servers = await start();
    const bytes = randomBytes(sizeBytes);
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB }).upload(make(bytes), { name: 'x' });
    const result = await upload.result;
    expect(result).toMatchObject({ sizeBytes, partCount });
    expect(upload.state).toMatchObject({ kind: 'completed', upload: { mode } });
    expect(upload.progress).toMatchObject({ sentBytes: sizeBytes, totalBytes: sizeBytes });
    expect(sha256(await servers.read(result.key))).toBe(sha256(bytes));
    expect(await servers.openUploads()).toBe(0);
    expect(servers.errors).toEqual([]);
  });

  it('goes on in larger parts when it turns out to be long', async () => {
    const servers = await start({ maxChunks: 20 });
    const bytes = randomBytes(47 * MIB);
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB, concurrency: 2 }).upload(chunksOf(bytes));
    const sizes = new Map<number, number>();
    upload.on('part', ({ partNumber, sizeBytes }) => sizes.set(partNumber, sizeBytes / MIB));
    const { key } = await upload.result;
    expect([...sizes].toSorted(([a], [b]) => a - b).map(([, size]) => size)).toEqual([5, 5, 10, 10, 17]);
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
  });

  it('is an upload of its own each time', async () => {
    const servers = await start();
    const bytes = randomBytes(6 * MIB);
    const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB });
    const [one, two] = await Promise.all([1, 2].map(() => uploader.upload(chunksOf(bytes)).result));
    expect(one?.uploadId).not.toBe(two?.uploadId);
  });

  it('has no total until its end, then all of it', async () => {
    const servers = await start();
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB }).upload(chunksOf(randomBytes(12 * MIB)));
    const told: UploadProgress[] = [];
    upload.on('progress', (progress) => told.push(progress));
    await upload.result;
    expect(told[0]).toMatchObject({ totalBytes: undefined, etaSeconds: undefined });
    expect(told.at(-1)).toMatchObject({ totalBytes: 12 * MIB, sentBytes: 12 * MIB });
  });

  it('sends parts again that the store did not take, from memory', async () => {
    const servers = await startTroubled((_part, attempt) =>
      attempt < 2 ? { kind: 'answer', status: 503, body: s3Error('SlowDown') } : { kind: 'pass' },
    );
    const bytes = randomBytes(22 * MIB);
    const retry = { baseDelayMs: 1, throttledBaseDelayMs: 1 };
    const { key } = await createUploader({ ...servers, ...PARTS_OF_5_MIB, retry }).upload(chunksOf(bytes))
      .result;
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
  });
});

describe('what a stream is read ahead', () => {
  /** Endless, and counts what is asked of it. */
  function counting(): { stream: ByteStream; readBytes(): number } {
    let readBytes = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        readBytes += CHUNK_BYTES;
        yield new Uint8Array(CHUNK_BYTES);
        await sleep(0);
      }
    }
    return { stream: endless(), readBytes: () => readBytes };
  }

  it.each([1, 3])('is what fits into memory, of %d at once', async (count) => {
    const servers = await startTroubled(() => ({ kind: 'swallow' }));
    const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB, concurrency: 3 });
    const stop = new AbortController();
    const streams = Array.from({ length: count }, counting);
    const results = streams.map(({ stream }) => uploader.upload(stream, { signal: stop.signal }).result);
    const readBytes = (): number => streams.reduce((sum, one) => sum + one.readBytes(), 0);
    let last = -1;
    while (readBytes() > last) {
      last = readBytes();
      await sleep(300);
    }
    // Three parts, and one for each stream that has none of them; a chunk each that is cut at the end of a part.
    expect(last).toBeLessThanOrEqual((2 + count) * (5 * MIB + CHUNK_BYTES));
    expect(last).toBeGreaterThanOrEqual(2 * 5 * MIB);
    stop.abort(new Error('enough'));
    const ends = await Promise.allSettled(results);
    expect(ends.map((end) => end.status)).toEqual(ends.map(() => 'rejected'));
    expect(await servers.openUploads()).toBe(0);
  });

  it('does not keep many streams from ending, whoever waits for whom', async () => {
    const servers = await start();
    const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB, concurrency: 2 });
    const bytes = randomBytes(11 * MIB);
    const [first, second] = new Blob([bytes]).stream().tee();
    const others = Array.from({ length: 5 }, () => chunksOf(bytes));
    const results = await Promise.all(
      [first, second, ...others].map((stream) => uploader.upload(stream).result),
    );
    expect(new Set(results.map(({ key }) => key)).size).toBe(7);
    expect(results.every(({ sizeBytes }) => sizeBytes === bytes.byteLength)).toBe(true);
  });
});

describe('a stream of an expected size', () => {
  it.each([3_000, 4 * MIB, 13 * MIB])(
    'of %d bytes is stored, with a total from the start',
    async (sizeBytes) => {
      const servers = await start();
      const bytes = randomBytes(sizeBytes);
      const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB });
      const upload = uploader.upload(chunksOf(bytes), { expectedSizeBytes: sizeBytes });
      const totals = new Set<unknown>();
      upload.on('progress', ({ totalBytes }) => totals.add(totalBytes));
      const { key } = await upload.result;
      expect(sha256(await servers.read(key))).toBe(sha256(bytes));
      expect([...totals]).toEqual([sizeBytes]);
    },
  );

  it.each([
    ['a byte too few, all in one call', 999, 1_000, 'SIZE_MISMATCH'],
    ['nothing', 0, 20 * MIB, 'SIZE_MISMATCH'],
    ['a byte too few', 13 * MIB - 1, 13 * MIB, 'SIZE_MISMATCH'],
    ['a part too few', 10 * MIB, 15 * MIB, 'SIZE_MISMATCH'],
    ['a byte too many, all in one call', 1_001, 1_000, 'SIZE_MISMATCH'],
    ['far too many', 13 * MIB, 1_000, 'SIZE_MISMATCH'],
    ['a byte too many', 13 * MIB + 1, 13 * MIB, 'SIZE_MISMATCH'],
    ['a byte after whole parts', 15 * MIB + 1, 15 * MIB, 'SIZE_MISMATCH'],
  ])('leaves nothing when there is %s', async (_what, sizeBytes, expectedSizeBytes, code) => {
    const servers = await start();
    const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB });
    const upload = uploader.upload(chunksOf(randomBytes(sizeBytes)), { expectedSizeBytes });
    await expect(upload.result).rejects.toMatchObject({ name: 'UploadError', code });
    expect(await servers.openUploads()).toBe(0);
    expect(await servers.keys()).toEqual([]);
  });

  it('is held to it as files and bytes are', async () => {
    const uploader = createUploader(await start());
    const upload = uploader.upload(new Uint8Array(5), { expectedSizeBytes: 6 });
    await expect(upload.result).rejects.toMatchObject({ code: 'SIZE_MISMATCH' });
  });
});

describe('a stream that comes to no good end', () => {
  it.each([100, 3 * MIB, 17 * MIB])('leaves nothing when it fails after %d bytes', async (sizeBytes) => {
    const servers = await start();
    const cause = new Error('the disk is gone');
    const stream = chunksOf(randomBytes(sizeBytes), cause);
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB }).upload(stream);
    await expect(upload.result).rejects.toMatchObject({ code: 'SOURCE_FAILED', cause });
    expect(await servers.openUploads()).toBe(0);
    expect(await servers.keys()).toEqual([]);
  });

  it('is refused if it yields anything but bytes', async () => {
    const uploader = createUploader(await start());
    const texts = Readable.from(['some text']);
    await expect(uploader.upload(texts as ByteStream).result).rejects.toThrow(TypeError);
  });

  it.each([
    ['at its beginning', 1_000],
    ['in the middle', 12 * MIB],
  ])('is let go at once when it is cancelled %s', async (_when, sizeBytes) => {
    const servers = await start();
    const stream = silentAfter(randomBytes(sizeBytes));
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB }).upload(stream);
    upload.result.catch(() => {});
    const read = (): number => sizeBytes - stream.readableLength;
    while (read() < sizeBytes) await sleep(5);
    expect(await upload.cancel()).toBe('cancelled');
    expect(stream.destroyed).toBe(true);
    expect(await servers.openUploads()).toBe(0);
  });

  it('leaves nothing when its signal is aborted, and says why it ended', async () => {
    const servers = await start();
    const stop = new AbortController();
    const uploader = createUploader({ ...servers, ...PARTS_OF_5_MIB });
    const upload = uploader.upload(silentAfter(randomBytes(12 * MIB)), { signal: stop.signal });
    const states: TransferState['kind'][] = [];
    upload.on('state', ({ kind }) => states.push(kind));
    upload.on('part', ({ isStored }) => isStored && stop.abort(new Error('enough')));
    await expect(upload.result).rejects.toThrow('enough');
    expect(states).toEqual(['sending', 'stopped']);
    expect(await servers.openUploads()).toBe(0);
    expect(await servers.keys()).toEqual([]);
  });

  it('leaves nothing when the store refuses a part', async () => {
    const servers = await startTroubled((partNumber) =>
      partNumber === 3 ? { kind: 'answer', status: 400, body: s3Error('EntityTooLarge') } : { kind: 'pass' },
    );
    const stream = silentAfter(randomBytes(17 * MIB));
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB }).upload(stream);
    await expect(upload.result).rejects.toMatchObject({ code: 'STORE_REFUSED' });
    expect(stream.destroyed).toBe(true);
    expect(await servers.openUploads()).toBe(0);
  });

  it('is refused beyond what an upload of unknown size may have', async () => {
    const servers = await start({ maxSizeBytes: 11 * MIB });
    const upload = createUploader({ ...servers, ...PARTS_OF_5_MIB }).upload(chunksOf(randomBytes(12 * MIB)));
    await expect(upload.result).rejects.toMatchObject({
      code: 'SIZE_MISMATCH',
      message: expect.stringContaining(String(11 * MIB)),
    });
    expect(await servers.openUploads()).toBe(0);
  });
});
