import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createLocalS3, type Listening } from '@longhaul/local-s3';
import { createUploader, type UploadResult } from '@longhaul/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Backend, startBackend } from '../e2e/support/backend.ts';
import { hashOfFile, writeRandomFile } from '../e2e/support/files.ts';
import { MEMORIES } from '../e2e/support/memories.ts';
import { STORES } from '../e2e/support/stores.ts';
import { startWorker } from './start-worker.ts';

const {
  LONGHAUL_TEST_BUN: bun,
  LONGHAUL_TEST_DENO: deno,
  LONGHAUL_TEST_WORKERD: workerd,
  PATH = '',
  HOME = '',
} = process.env;
const MIB = 1024 ** 2;
const ENVIRONMENT = { PATH, HOME, NO_COLOR: '1' };

/** Inside the create call, one PUT, and parts. */
const SIZES = [1_000, 2 * MIB, 21 * MIB + 1];

let folder: string;
let files: string[];
let backend: Backend;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-runtimes-'));
  files = SIZES.map((sizeBytes) => join(folder, `${sizeBytes}.bin`));
  for (const [index, file] of files.entries()) await writeRandomFile(file, SIZES[index] ?? 0);
  backend = await startBackend(STORES[0]!, MEMORIES[0]!);
});
afterAll(async () => {
  await backend.close();
  await rm(folder, { recursive: true });
});

async function expectStored(results: readonly UploadResult[]): Promise<void> {
  expect(results.map(({ partCount }) => partCount)).toEqual([1, 1, 5]);
  expect(results.map(({ proof }) => proof)).toEqual(['checksum', 'checksum', 'checksum']);
  for (const [index, { key }] of results.entries())
    expect(await backend.store.hashOf(key)).toBe(await hashOfFile(files[index] ?? ''));
}

const RUNTIMES = [
  { name: 'Bun', program: bun, args: ['run'] },
  { name: 'Deno', program: deno, args: ['run', '--no-lock', '-A'] },
];

describe.each(RUNTIMES)('in $name', ({ name, program, args }) => {
  describe.skipIf(!program)(program ? 'as it is' : `needs LONGHAUL_TEST_${name.toUpperCase()}`, () => {
    const script = (file: string): string => join(import.meta.dirname, file);

    it.each(['paths', 'blobs'])('uploads %s, byte for byte', async (kind) => {
      const { stdout } = await promisify(execFile)(
        program ?? '',
        [...args, script('upload.ts'), backend.url, kind, ...files],
        { env: ENVIRONMENT },
      );
      await expectStored(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as UploadResult),
      );
    });

    it('runs a coordinator', async () => {
      const store = await startStore();
      const coordinator = spawn(program ?? '', [...args, script('coordinator.ts')], {
        env: { ...ENVIRONMENT, ...store.env },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const uploader = createUploader({
          coordinator: `http://127.0.0.1:${await firstLine(coordinator)}`,
          partSizeBytes: 5 * MIB,
        });
        for (const file of files) {
          const { key } = await uploader.upload(file).result;
          expect(Buffer.compare(await store.read(key), await readFile(file))).toBe(0);
        }
      } finally {
        coordinator.kill('SIGKILL');
        await store.close();
      }
    });
  });
});

describe.skipIf(!workerd)(`in a Worker (needs LONGHAUL_TEST_WORKERD)`, () => {
  it('uploads what a request carries, byte for byte', async () => {
    const worker = await startWorker(workerd ?? '', folder);
    try {
      const results: UploadResult[] = [];
      for (const file of files) {
        const answer = await fetch(`${worker.url}?coordinator=${encodeURIComponent(backend.url)}`, {
          method: 'POST',
          body: await readFile(file),
        });
        expect(answer.status, await answer.clone().text()).toBe(200);
        results.push((await answer.json()) as UploadResult);
      }
      await expectStored(results);
    } finally {
      worker.process.kill('SIGKILL');
    }
  });
});

interface Store extends Pick<Listening, 'close'> {
  /** By which a coordinator finds it. */
  readonly env: Readonly<Record<string, string>>;
  read(key: string): Promise<Uint8Array>;
}

async function startStore(): Promise<Store> {
  const credentials = { accessKeyId: 'runtimes', secretAccessKey: randomUUID() };
  const bucket = 'runtimes';
  const s3 = createLocalS3({ storage: { kind: 'memory' }, credentials, buckets: [bucket] });
  const { url, close } = await s3.listen();
  const client = new S3Client({ endpoint: url, region: 'us-east-1', forcePathStyle: true, credentials });
  return {
    env: {
      STORE_URL: url,
      STORE_BUCKET: bucket,
      STORE_KEY_ID: credentials.accessKeyId,
      STORE_SECRET: credentials.secretAccessKey,
    },
    async read(key) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
    },
    async close() {
      client.destroy();
      await close();
    },
  };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  let said = '';
  while (stdout && !said.includes('\n')) said += String((await once(stdout, 'data'))[0]);
  return said.trim();
}
