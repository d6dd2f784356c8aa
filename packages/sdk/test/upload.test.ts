import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type CoordinatorFetch,
  createFileResumeStore,
  createUploader,
  type NodeInput,
  type PartProgress,
  type TransferState,
  type UploadHandle,
} from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';

const MIB = 1024 ** 2;

let servers: TestServers;
let folder: string;

beforeAll(async () => {
  servers = await startServers();
  folder = await mkdtemp(join(tmpdir(), 'longhaul-sdk-'));
});

afterAll(async () => {
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

async function makeFile(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('upload', () => {
  it.each([
    ['nothing', 0, 'inline', 1],
    ['one byte', 1, 'inline', 1],
    ['the largest that travels inline', 256 * 1024, 'inline', 1],
    ['the smallest that does not', 256 * 1024 + 1, 'single', 1],
    ['one byte less than a part may have', 5 * MIB - 1, 'single', 1],
    ['exactly the smallest part', 5 * MIB, 'single', 1],
    ['one byte more than a part', 5 * MIB + 1, 'multipart', 2],
    ['exactly the largest part', 16 * MIB, 'multipart', 3],
    ['exactly five parts', 25 * MIB, 'multipart', 5],
  ])('stores a file of %s byte for byte', async (name, sizeBytes, mode, partCount) => {
    const bytes = randomBytes(sizeBytes);
    const upload = createUploader(servers).upload(await makeFile(`${name}.bin`, bytes));
    const result = await upload.result;
    expect(sha256(await servers.read(result.key))).toBe(sha256(bytes));
    expect(upload.state).toMatchObject({ kind: 'completed', upload: { mode, plan: { partCount } } });
    expect(upload.progress).toMatchObject({ sentBytes: sizeBytes, totalBytes: sizeBytes });
  });

  it('stores a file whose parts are all equal', async () => {
    const bytes = new Uint8Array(21 * MIB);
    const { key, sizeBytes, partCount } = await createUploader(servers).upload(await makeFile('zeros', bytes))
      .result;
    expect({ sizeBytes, partCount }).toEqual({ sizeBytes: bytes.length, partCount: 4 });
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
  });

  it('takes paths, URLs, open files, bytes and Blobs', async () => {
    const bytes = randomBytes(300_000);
    const path = await makeFile('source.bin', bytes);
    const handle = await open(path);
    const { buffer, byteOffset, byteLength } = bytes;
    const sources = [
      path,
      new URL(`file://${path}`),
      handle,
      new Uint8Array(bytes),
      buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer,
      new Blob([bytes]),
    ];
    const uploader = createUploader(servers);
    const results = await Promise.all(
      sources.map((source) => uploader.upload(source, { resume: false }).result),
    );
    for (const { key } of results) expect(sha256(await servers.read(key))).toBe(sha256(bytes));
    expect(new Set(results.map(({ key }) => key)).size).toBe(sources.length);
    // It was ours before and is so after.
    await expect(handle.stat()).resolves.toMatchObject({ size: 300_000 });
    await handle.close();
  });

  it('refuses what cannot be uploaded', async () => {
    const uploader = createUploader(servers);
    await expect(uploader.upload(5 as never).result).rejects.toThrow(TypeError);
    await expect(uploader.upload(new URL('https://example.com/a')).result).rejects.toThrow(TypeError);
    await expect(uploader.upload(join(folder, 'absent')).result).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('absent'),
    });
    await expect(uploader.upload(folder).result).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });

  it('keeps names as they are, whatever is in them', async () => {
    const uploader = createUploader(servers);
    const names = ['../../etc/passwd', 'a"b\'c', 'line\r\nbreak', 'Größe 🚢', 'x'.repeat(1_000)];
    for (const name of names) await uploader.upload(randomBytes(10), { name }).result;
    await expect(uploader.upload(randomBytes(10), { name: 'x'.repeat(1_025) }).result).rejects.toMatchObject({
      code: 'COORDINATOR_REFUSED',
      problem: { code: 'bad-request' },
    });
  });

  it('makes two objects of the same content uploaded twice at once', async () => {
    const bytes = randomBytes(17 * MIB);
    const uploader = createUploader(servers);
    const [one, two] = await Promise.all([uploader.upload(bytes).result, uploader.upload(bytes).result]);
    expect(one.key).not.toBe(two.key);
    expect(sha256(await servers.read(two.key))).toBe(sha256(bytes));
  });

  it('tells of its state, its parts and its progress, which never goes back', async () => {
    const bytes = randomBytes(22 * MIB);
    const upload = createUploader(servers).upload(bytes);
    const states: TransferState['kind'][] = [];
    const stored = new Set<number>();
    const sent: number[] = [];
    upload.on('state', ({ kind }) => states.push(kind));
    upload.on('part', (part: PartProgress) => part.isStored && stored.add(part.partNumber));
    upload.on('progress', ({ sentBytes }) => sent.push(sentBytes));
    await upload.result;
    expect(states).toEqual(['sending', 'completing', 'completed']);
    expect([...stored].toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4]);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(sent.at(-1)).toBe(bytes.length);
  });
});

describe('resume', () => {
  it('goes on where an aborted signal stopped it', async () => {
    const bytes = randomBytes(30 * MIB);
    const path = await makeFile('resume.bin', bytes);
    const options = { coordinator: servers.coordinator, concurrency: 1, partSizeBytes: 5 * MIB };
    const stop = new AbortController();
    const first = createUploader(options).upload(path, { signal: stop.signal });
    const reason = new Error('enough for today');
    first.on('part', ({ partNumber, isStored }) => {
      if (isStored && partNumber === 3) stop.abort(reason);
    });
    await expect(first.result).rejects.toBe(reason);
    expect(first.state.kind).toBe('stopped');

    const second = createUploader(options).upload(path);
    const { key, uploadId } = await second.result;
    expect(uploadId).toBe(first.uploadId);
    expect(second.state.upload?.resumedParts).toBe(3);
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
  });

  it('begins anew when the file was written to since, even where no sample shows it', async () => {
    const bytes = randomBytes(30 * MIB);
    const path = await makeFile('edited.bin', bytes);
    const options = {
      coordinator: servers.coordinator,
      concurrency: 1,
      partSizeBytes: 5 * MIB,
      resumeStore: createFileResumeStore(join(folder, 'hints')),
    };
    const stop = new AbortController();
    const first = createUploader(options).upload(path, { signal: stop.signal });
    first.on('part', ({ isStored }) => isStored && stop.abort());
    await expect(first.result).rejects.toThrow();

    bytes[70_000] = (bytes[70_000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await utimes(path, new Date(), new Date(Date.now() + 5_000));
    const second = createUploader(options).upload(path);
    const { key } = await second.result;
    expect(second.uploadId).not.toBe(first.uploadId);
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
  });

  it('answers with the finished upload when only the answer got lost', async () => {
    const bytes = randomBytes(1_000);
    const resumeStore = createFileResumeStore(join(folder, 'lost'));
    // Dies before it can forget.
    const deaf = { ...resumeStore, forget: async () => {} };
    const first = await createUploader({ ...servers, resumeStore: deaf }).upload(bytes).result;
    const second = await createUploader({ ...servers, resumeStore }).upload(bytes).result;
    const third = await createUploader({ ...servers, resumeStore }).upload(bytes).result;
    expect(second.uploadId).toBe(first.uploadId);
    expect(third.uploadId).not.toBe(first.uploadId);
  });

  it('begins anew when the remembered upload was cancelled, or asked for with other metadata', async () => {
    const bytes = randomBytes(17 * MIB);
    const resumeStore = createFileResumeStore(join(folder, 'over'));
    const keeping = { ...resumeStore, forget: async () => {} };
    const uploader = createUploader({ ...servers, resumeStore: keeping });
    const first = uploader.upload(bytes);
    first.on('part', () => void first.cancel());
    await expect(first.result).rejects.toMatchObject({ code: 'CANCELLED' });
    const second = await uploader.upload(bytes).result;
    expect(second.uploadId).not.toBe(first.uploadId);
    const third = await uploader.upload(bytes, { metadata: { take: 'two' } }).result;
    expect(third.uploadId).not.toBe(second.uploadId);
  });
});

describe('cancel', () => {
  it('ends the upload in the store', async () => {
    const openBefore = await servers.openUploads();
    const upload = createUploader({ ...servers, maxBytesPerSecond: 20 * MIB }).upload(randomBytes(30 * MIB));
    await new Promise<void>((resolve) => upload.on('part', () => resolve()));
    const ended = expect(upload.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(upload.cancel()).resolves.toBe('cancelled');
    await ended;
    expect(upload.state).toMatchObject({ kind: 'cancelled', upload: { uploadId: upload.uploadId } });
    expect(await servers.openUploads()).toBe(openBefore);
  });

  it('waits for an upload that is still being opened', async () => {
    const openBefore = await servers.openUploads();
    const upload = createUploader(servers).upload(randomBytes(20 * MIB));
    const ended = expect(upload.result).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(upload.cancel()).resolves.toBe('cancelled');
    await ended;
    expect(await servers.openUploads()).toBe(openBefore);
  });

  describe('before it has begun', () => {
    const bytes = randomBytes(30 * MIB);
    let calls: string[] = [];
    const coordinator: CoordinatorFetch = async (request) => {
      calls.push(request.method);
      return await servers.coordinator(request);
    };
    const cancelAtOnce = async (upload: UploadHandle): Promise<void> => {
      const ended = expect(upload.result).rejects.toMatchObject({ code: 'CANCELLED' });
      await expect(upload.cancel()).resolves.toBe('cancelled');
      await ended;
    };
    /** One that a stopped run has left open, remembered in a folder of its own. */
    const leaveOpen = async (name: string, source: NodeInput) => {
      const resumeStore = createFileResumeStore(join(folder, name));
      const uploader = createUploader({ coordinator, resumeStore, partSizeBytes: 5 * MIB });
      const stop = new AbortController();
      const upload = uploader.upload(source, { signal: stop.signal });
      upload.on('part', ({ isStored }) => isStored && stop.abort());
      await expect(upload.result).rejects.toThrow();
      calls = [];
      return { uploader, upload };
    };

    it.each([
      ['a file', async () => await makeFile('left.bin', bytes)],
      ['bytes', async () => bytes],
      ['what would be sent whole', async () => bytes.subarray(0, 3 * MIB)],
    ])('ends what an earlier run has left open of %s', async (name, makeSource) => {
      const openBefore = await servers.openUploads();
      const source = await makeSource();
      const { uploader, upload } = await leaveOpen(name, source);
      await cancelAtOnce(uploader.upload(source));
      expect(await servers.openUploads()).toBe(openBefore);
      // Nothing is left to come back to, and nothing to end.
      calls = [];
      await cancelAtOnce(uploader.upload(source));
      expect(calls).toEqual([]);
      const again = uploader.upload(source);
      await again.result;
      expect(again.uploadId).not.toBe(upload.uploadId);
    });

    it('leaves alone what runs, what was edited since, and what nobody remembers', async () => {
      const path = await makeFile('edited-before-cancel.bin', bytes);
      const { uploader } = await leaveOpen('kept', path);
      const openBefore = await servers.openUploads();
      await cancelAtOnce(createUploader({ coordinator }).upload(path));
      expect(calls).toEqual([]);

      const running = uploader.upload(path);
      await new Promise<void>((resolve) => running.on('part', () => resolve()));
      await cancelAtOnce(uploader.upload(path));
      await running.result;

      await writeFile(path, randomBytes(100), { flag: 'r+' });
      calls = [];
      await cancelAtOnce(uploader.upload(path));
      expect(calls).toEqual([]);
      expect(await servers.openUploads()).toBe(openBefore - 1);
    });

    it('touches no stream', async () => {
      const { uploader } = await leaveOpen('streams', bytes);
      const stream = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) });
      await cancelAtOnce(uploader.upload(stream));
      expect(calls).toEqual([]);
    });

    it('says so when the coordinator cannot be told', async () => {
      const path = await makeFile('unreachable.bin', bytes);
      await leaveOpen('unreachable', path);
      const uploader = createUploader({
        coordinator: async () => {
          throw new TypeError('fetch failed');
        },
        retry: { maxAttempts: 1 },
        resumeStore: createFileResumeStore(join(folder, 'unreachable')),
      });
      const upload = uploader.upload(path);
      const failed = expect(upload.result).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
      await expect(upload.cancel()).rejects.toMatchObject({ code: 'COORDINATOR_UNREACHABLE' });
      await failed;
    });
  });

  it('gives the result when it comes too late', async () => {
    const upload = createUploader(servers).upload(randomBytes(100));
    const { uploadId } = await upload.result;
    await expect(upload.cancel()).resolves.toBe('completed');
    expect(upload.state).toMatchObject({ kind: 'completed', result: { uploadId } });
  });
});

describe('a file that changes', () => {
  it.each([
    ['written to', async (path: string) => await writeFile(path, randomBytes(30 * MIB))],
    ['truncated', async (path: string) => await truncate(path, 6 * MIB)],
    [
      'replaced',
      async (path: string) => {
        await rm(path);
        await writeFile(path, randomBytes(30 * MIB));
      },
    ],
  ])('is refused when it was %s, and nothing of it is kept', async (_how, change) => {
    const openBefore = await servers.openUploads();
    const path = await makeFile('changing.bin', randomBytes(30 * MIB));
    const options = { ...servers, concurrency: 1, partSizeBytes: 5 * MIB, maxBytesPerSecond: 100 * MIB };
    const upload = createUploader(options).upload(path);
    let changing: Promise<void> | undefined;
    upload.on('part', ({ isStored }) => {
      if (isStored) changing ??= change(path);
    });
    await expect(upload.result).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    await changing;
    expect(await servers.openUploads()).toBe(openBefore);
  });

  it('is refused for that, and not because the coordinator could not be told', async () => {
    const path = await makeFile('changing.bin', randomBytes(30 * MIB));
    let changing: Promise<void> | undefined;
    const coordinator = async (request: Request): Promise<Response> => {
      if (request.method === 'DELETE') throw new TypeError('it is away');
      return await servers.coordinator(request);
    };
    const speed = { concurrency: 1, partSizeBytes: 5 * MIB, maxBytesPerSecond: 100 * MIB };
    const options = { ...speed, coordinator, retry: { maxAttempts: 2 } };
    const upload = createUploader(options).upload(path);
    upload.on('part', ({ isStored }) => {
      if (isStored) changing ??= writeFile(path, randomBytes(30 * MIB));
    });
    await expect(upload.result).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    await changing;
  });
});

describe('options', () => {
  it.each([
    [{ coordinator: '/relative' }, TypeError, 'coordinator'],
    [{ coordinator: undefined as never }, TypeError, 'coordinator'],
    [{ coordinator: 'localhost:8787' }, TypeError, 'coordinator'],
    [{ concurrency: 0 }, RangeError, 'concurrency'],
    [{ concurrency: 1.5 }, RangeError, 'concurrency'],
    [{ partSizeBytes: 5 * MIB - 1 }, RangeError, 'partSizeBytes'],
    [{ stallTimeoutMs: 0 }, RangeError, 'stallTimeoutMs'],
    [{ inlineMaxBytes: -1 }, RangeError, 'inlineMaxBytes'],
    [{ retry: { maxAttempts: 0 } }, RangeError, 'maxAttempts'],
    [{ maxBytesPerSecond: 0 }, RangeError, 'maxBytesPerSecond'],
  ])('refuses %j', (options, kind, name) => {
    const create = (): unknown => createUploader({ coordinator: 'http://127.0.0.1:1', ...options });
    expect(create).toThrow(kind);
    expect(create).toThrow(name);
  });

  it('sends the headers of the application to the coordinator', async () => {
    const seen: (string | null)[] = [];
    const uploader = createUploader({
      coordinator: async (request) => {
        seen.push(request.headers.get('authorization'));
        return await servers.coordinator(request);
      },
      headers: async () => ({ authorization: 'Bearer me' }),
    });
    await uploader.upload(randomBytes(300_000)).result;
    expect(seen).toEqual(['Bearer me', 'Bearer me']);
  });
});
