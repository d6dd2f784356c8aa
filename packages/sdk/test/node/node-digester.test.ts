import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, open, rename, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHash as createPortableHash } from '../../src/lib/integrity/create-hash.ts';
import { openPath } from '../../src/lib/platform/node/file-source.ts';
import { createNodeDigester } from '../../src/lib/platform/node/node-digester.ts';
import type { NodeSource } from '../../src/lib/platform/node/node-source.ts';

const MIB = 1024 ** 2;
const LARGE_BYTES = 64 * MIB;
const STRETCH = { offsetBytes: 3 * MIB + 7, sizeBytes: 5 * MIB + 1 };
const bytes = randomBytes(12 * MIB);
const stretchBytes = bytes.subarray(STRETCH.offsetBytes, STRETCH.offsetBytes + STRETCH.sizeBytes);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-digester-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The first bytes are ours, and nothing but a hole is behind them. */
async function makeFile(name: string, sizeBytes: number): Promise<string> {
  const path = join(folder, name);
  const file = await open(path, 'w');
  await file.write(bytes);
  await file.truncate(sizeBytes);
  await file.close();
  return path;
}

interface Counted extends NodeSource {
  readsHere: number;
}

async function openCounted(path: string): Promise<Counted> {
  const source = await openPath(path);
  const counted: Counted = {
    ...source,
    readsHere: 0,
    async readInto(buffer, positionBytes) {
      counted.readsHere++;
      await source.readInto(buffer, positionBytes);
    },
  };
  return counted;
}

const never = new AbortController().signal;

function crcOf(content: Uint8Array): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(content));
  return value.toString('base64');
}

function crc64Of(content: Uint8Array): string {
  const hash = createPortableHash('CRC64NVME');
  hash.update(content);
  return Buffer.from(hash.digest()).toString('base64');
}

describe('the digester', () => {
  it.each([
    ['CRC32', crcOf(stretchBytes)],
    ['CRC64NVME', crc64Of(stretchBytes)],
    ['MD5', createHash('md5').update(stretchBytes).digest('base64')],
  ] as const)('digests a large file by %s in another thread', async (algorithm, value) => {
    const source = await openCounted(await makeFile(`large-${algorithm}`, LARGE_BYTES));
    const digester = createNodeDigester();
    const stretches = Array.from({ length: 5 }, () => ({ source, algorithm, ...STRETCH, signal: never }));
    const checksums = await Promise.all(stretches.map((stretch) => digester.digest(stretch)));
    expect(checksums).toEqual(Array.from({ length: 5 }, () => ({ algorithm, value })));
    expect(source.readsHere).toBe(0);
    await source.close();
  });

  it('digests a smaller file here: a thread costs more than that', async () => {
    const source = await openCounted(await makeFile('small', LARGE_BYTES - 1));
    const stretch = { source, algorithm: 'CRC32', ...STRETCH, signal: never } as const;
    expect(await createNodeDigester().digest(stretch)).toMatchObject({ value: crcOf(stretchBytes) });
    expect(source.readsHere).toBeGreaterThan(0);
    await source.close();
  });

  it('digests the file that was opened when another one has taken its path', async () => {
    const path = await makeFile('replaced', LARGE_BYTES);
    const source = await openCounted(path);
    const other = join(folder, 'other');
    const file = await open(other, 'w');
    await file.truncate(LARGE_BYTES);
    await file.close();
    await rename(other, path);
    const stretch = { source, algorithm: 'CRC32', ...STRETCH, signal: never } as const;
    expect(await createNodeDigester().digest(stretch)).toMatchObject({ value: crcOf(stretchBytes) });
    expect(source.readsHere).toBeGreaterThan(0);
    await source.close();
  });

  it('says that a large file was changed when it has become shorter', async () => {
    const path = await makeFile('shorter', LARGE_BYTES);
    const source = await openPath(path);
    await truncate(path, 4 * MIB);
    const stretch = { source, algorithm: 'CRC32', ...STRETCH, signal: never } as const;
    await expect(createNodeDigester().digest(stretch)).rejects.toMatchObject({ code: 'FILE_CHANGED' });
    await source.close();
  });

  it('stops in the middle of a stretch that nobody wants any more, and goes on with others', async () => {
    // Nobody reads all of that within the time that a test has.
    const source = await openCounted(await makeFile('aborted', 1024 ** 4));
    const digester = createNodeDigester();
    const stopping = new AbortController();
    const all = { source, algorithm: 'CRC32', offsetBytes: 0, sizeBytes: source.sizeBytes } as const;
    const stopped = digester.digest({ ...all, signal: stopping.signal });
    setTimeout(() => stopping.abort(new Error('enough')), 200);
    await expect(stopped).rejects.toThrow('enough');
    const next = digester.digest({ ...all, ...STRETCH, signal: never });
    expect(await next).toMatchObject({ value: crcOf(stretchBytes) });
    expect(source.readsHere).toBe(0);
    await source.close();
  });
});

describe('a process that has digested', () => {
  const script = `
    const [, platform, file] = process.argv;
    const { createNodeDigester } = await import(platform + '/node-digester.ts');
    const { openPath } = await import(platform + '/file-source.ts');
    const source = await openPath(file);
    const signal = new AbortController().signal;
    const stretch = { source, algorithm: 'CRC32', offsetBytes: ${STRETCH.offsetBytes}, sizeBytes: ${STRETCH.sizeBytes}, signal };
    console.log((await createNodeDigester().digest(stretch)).value);
    await source.close();
  `;
  const platform = join(import.meta.dirname, '../../src/lib/platform/node');

  async function runScript(...flags: string[]): Promise<{ value: string; tookMs: number }> {
    const path = await makeFile('process', LARGE_BYTES);
    const startMs = performance.now();
    const args = [...flags, '--no-warnings', '--input-type=module', '-e', script, platform, path];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return { value: stdout.trim(), tookMs: performance.now() - startMs };
  }

  it('ends when it has nothing else to do', async () => {
    const { value, tookMs } = await runScript();
    expect(value).toBe(crcOf(stretchBytes));
    expect(tookMs).toBeLessThan(8_000);
  });

  it('has done it by itself where it may start no thread', async () => {
    const { value } = await runScript('--permission', '--allow-fs-read=*');
    expect(value).toBe(crcOf(stretchBytes));
  });
});
