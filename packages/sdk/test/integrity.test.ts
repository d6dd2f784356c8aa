import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createUploader } from '@longhaul/sdk';
import { startServers, type TestServers } from './support/start-servers.ts';

const MIB = 1024 ** 2;
const IN_PARTS = { partSizeBytes: 5 * MIB };

let folder: string;
let servers: TestServers;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-integrity-'));
});
afterEach(() => servers.stop());
afterAll(() => rm(folder, { recursive: true, force: true }));

function crcOf(bytes: Uint8Array): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return value.toString('base64');
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('proof', () => {
  it.each([
    ['inline', 1_000],
    ['single', MIB],
    ['multipart', 17 * MIB + 1],
  ])('of content that travels %s is its checksum', async (mode, sizeBytes) => {
    servers = await startServers();
    const bytes = randomBytes(sizeBytes);
    const upload = createUploader({ ...servers, ...IN_PARTS }).upload(bytes);
    expect(await upload.result).toMatchObject({
      proof: 'checksum',
      checksum: { algorithm: 'CRC32', value: crcOf(bytes) },
    });
    expect(upload.state).toMatchObject({ upload: { mode } });
  });

  it.each([
    ['CRC64NVME', 'checksum', 'checksum', { fullObjectChecksums: ['CRC64NVME'] }],
    ['MD5', 'checksum', 'checksum', { fullObjectChecksums: [] }],
    ['nothing', 'size', 'size', { fullObjectChecksums: [], contentMd5: false }],
  ] as const)('with %s is what the store lets be compared', async (_what, inParts, inOne, profile) => {
    servers = await startServers({ profile });
    const uploader = createUploader({ ...servers, ...IN_PARTS, inlineMaxBytes: 0 });
    const bytes = randomBytes(12 * MIB);
    const { key, proof } = await uploader.upload(bytes).result;
    expect([proof, sha256(await servers.read(key))]).toEqual([inParts, sha256(bytes)]);
    expect(await uploader.upload(randomBytes(MIB)).result).toMatchObject({ proof: inOne });
  });

  it('is the size without integrity', async () => {
    servers = await startServers();
    const uploader = createUploader({ ...servers, ...IN_PARTS, integrity: false });
    for (const sizeBytes of [1_000, MIB, 12 * MIB]) {
      expect(await uploader.upload(randomBytes(sizeBytes)).result).toMatchObject({ proof: 'size' });
    }
  });
});

describe('an upload that goes on', () => {
  it.each([
    ['what the store has verified', {}],
    ['the MD5 that an ETag is', { fullObjectChecksums: [] }],
  ] as const)('sends again the parts that are not %s, and no others', async (_what, profile) => {
    servers = await startServers({ profile });
    const path = join(folder, `${_what}.bin`);
    const bytes = randomBytes(30 * MIB);
    await writeFile(path, bytes);
    const times = new Date(1_700_000_000_000);
    await utimes(path, times, times);
    const stopping = new AbortController();
    const options = { ...servers, ...IN_PARTS, concurrency: 1 };
    const first = createUploader({ ...options, maxBytesPerSecond: 50 * MIB }).upload(path, {
      signal: stopping.signal,
    });
    let storedCount = 0;
    first.on('part', ({ isStored }) => {
      if (isStored && ++storedCount === 3) stopping.abort(new Error('enough'));
    });
    await expect(first.result).rejects.toThrow('enough');

    // Between the samples that the fingerprint is made of, and the clock is turned back: nobody could tell.
    const file = await open(path, 'r+');
    bytes[7 * MIB] = 255 - bytes[7 * MIB]!;
    await file.write(bytes.subarray(7 * MIB, 7 * MIB + 1), 0, 1, 7 * MIB);
    await file.close();
    await utimes(path, times, times);

    const second = createUploader(options).upload(path);
    const sent = new Set<number>();
    second.on('part', ({ partNumber, isStored, sentBytes }) => {
      if (!isStored && sentBytes > 0) sent.add(partNumber);
    });
    const { uploadId, key } = await second.result;
    expect(uploadId).toBe(first.uploadId);
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
    expect([...sent].toSorted((one, other) => one - other)).toEqual([2, 4, 5, 6]);
  });

  it('does not end as a mixture when its file changes between digest and sending', async () => {
    servers = await startServers();
    const bytes = randomBytes(15 * MIB);
    const options = { ...servers, ...IN_PARTS, concurrency: 1, maxBytesPerSecond: 50 * MIB };
    const upload = createUploader(options).upload(bytes);
    const other = 255 - bytes[14 * MIB]!;
    upload.on('part', ({ isStored }) => {
      if (isStored) bytes[14 * MIB] = other;
    });
    await expect(upload.result).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    expect([await servers.openUploads(), await servers.countObjects()]).toEqual([0, 0]);
  });
});
