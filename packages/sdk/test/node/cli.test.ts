import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServers, type TestServers } from '../support/start-servers.ts';

const MIB = 1024 ** 2;
const CLI = join(import.meta.dirname, '..', '..', 'src', 'cli.ts');

let servers: TestServers;
let url: string;
let stopServing: () => Promise<unknown>;
let folder: string;

beforeAll(async () => {
  servers = await startServers();
  folder = await mkdtemp(join(tmpdir(), 'longhaul-cli-'));
  const server = serve({
    fetch: async (request) => await servers.coordinator(request),
    hostname: '127.0.0.1',
    port: 0,
  });
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  stopServing = async () => await new Promise((resolve) => server.close(resolve));
});

afterAll(async () => {
  await stopServing();
  await servers.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Run {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<{ status: number | null; stdout: string; stderr: string }>;
  /** Resolves when standard error has said it. */
  says(text: string | RegExp): Promise<void>;
}

function run(...args: string[]): Run {
  const started = start(...args);
  started.child.stdin.end();
  return started;
}

/** With standard input open. */
function start(...args: string[]): Run {
  const env = { ...process.env, LONGHAUL_COORDINATOR: url, XDG_STATE_HOME: join(folder, 'state') };
  const child = spawn(process.execPath, [CLI, ...args], { env });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    child,
    ended: once(child, 'close').then(([status]: unknown[]) => ({
      status: status as number | null,
      stdout,
      stderr,
    })),
    async says(text) {
      while (!stderr.match(text)) await once(child.stderr, 'data');
    },
  };
}

async function makeFile(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

interface Line {
  readonly file: string;
  readonly key: string;
  readonly error?: unknown;
}

function linesOf(stdout: string): Line[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

describe('longhaul', () => {
  it('uploads files and says where they are', async () => {
    const path = await makeFile('small.bin', randomBytes(1_000));
    const { status, stdout, stderr } = await run('upload', path).ended;
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('100 %') });
    expect(stdout).toMatch(/small\.bin -> uploads\/connectors\/default\/[0-9a-f-]{36} \(1\.00 kB/);
  });

  it('encrypts with a key from a file, and shows it nowhere', async () => {
    const secret = randomBytes(32);
    const bytes = randomBytes(6 * MIB);
    const path = await makeFile('encrypted.bin', bytes);
    for (const [name, content] of [
      ['raw.key', secret],
      ['base64.key', Buffer.from(`${secret.toString('base64')}\n`)],
    ] as const) {
      const options = ['--encryption', 'sse-c', '--key-file', await makeFile(name, content), '--json'];
      const { status, stdout, stderr } = await run('upload', path, ...options).ended;
      expect({ status, stderr }).toEqual({ status: 0, stderr: expect.stringContaining('100 %') });
      const [{ key } = { key: '' }] = linesOf(stdout);
      await expect(servers.read(key)).rejects.toThrow();
      expect(sha256(await servers.read(key, secret.toString('base64')))).toBe(sha256(bytes));
      expect(stdout + stderr).not.toContain(secret.toString('base64'));
    }
  });

  it.each([
    ['absent.key', undefined, 'cannot be read'],
    ['short.key', Buffer.from('canary'), '32 bytes'],
  ])('names what is wrong with %s', async (name, content, message) => {
    const keyFile = content ? await makeFile(name, content) : join(folder, name);
    const path = await makeFile('any.bin', randomBytes(10));
    const { status, stderr } = await run('upload', path, '--encryption', 'sse-c', '--key-file', keyFile)
      .ended;
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(message) });
    expect(stderr).toContain(name);
    expect(stderr).not.toContain('canary');
  });

  it('prints one JSON object for each file, of those that failed too', async () => {
    const bytes = randomBytes(6 * MIB);
    const path = await makeFile('json.bin', bytes);
    const options = ['--json', '--connector', 'films', '--part-size', '5MiB', '--content-type', 'video/mp4'];
    const { status, stdout, stderr } = await run('upload', path, join(folder, 'absent'), ...options).ended;
    expect(status).toBe(1);
    expect(stderr).toContain('absent');
    const reports = linesOf(stdout);
    // As each has ended.
    const stored = reports.find(({ key }) => key);
    const failed = reports.find(({ error }) => error);
    expect(reports).toHaveLength(2);
    expect(stored).toMatchObject({
      file: path,
      bucket: 'uploads',
      key: expect.stringMatching(/^connectors\/films\//),
      sizeBytes: bytes.length,
      parts: 2,
      partSizeBytes: 5 * MIB,
      resumedParts: 0,
    });
    expect(failed).toMatchObject({ file: join(folder, 'absent'), error: { code: 'FILE_UNREADABLE' } });
    expect(sha256(await servers.read(stored?.key ?? ''))).toBe(sha256(bytes));
  });

  it('uploads a folder: every file under its path, and the others when one cannot be read', async () => {
    const photos = join(folder, 'photos');
    await mkdir(join(photos, '2024', 'empty'), { recursive: true });
    const contents = new Map(
      ['.hidden', '2024/cat.jpg', 'a.jpg'].map((name) => [join(photos, name), randomBytes(500)]),
    );
    for (const [path, bytes] of contents) await writeFile(path, bytes);
    await symlink('a.jpg', join(photos, 'link'));
    await symlink('nowhere', join(photos, 'z-broken'));

    const plain = await run('upload', photos, '--json').ended;
    expect(plain).toMatchObject({ status: 1, stderr: expect.stringContaining('Add -r') });
    expect(plain.stderr).not.toContain('%');

    const careful = await run('upload', '-r', photos, '--json').ended;
    expect(careful).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('link: left out, a symbolic link'),
    });
    const stored = linesOf(careful.stdout);
    expect(new Set(stored.map(({ file }) => file))).toEqual(new Set(contents.keys()));
    for (const { file, key } of stored) {
      expect(sha256(await servers.read(key))).toBe(sha256(contents.get(file) ?? Buffer.of()));
    }
    const names = await servers.namesOf(stored.map(({ key }) => key));
    expect(names.toSorted()).toEqual(['photos/.hidden', 'photos/2024/cat.jpg', 'photos/a.jpg']);

    const followed = await run('upload', '-r', '--follow-links', photos, '--json').ended;
    expect(followed).toMatchObject({ status: 1, stderr: expect.stringContaining('z-broken') });
    expect(linesOf(followed.stdout)).toHaveLength(5);
    expect(followed.stderr).toContain('4 of 5 files, 1 failed: 100 %');
  });

  it('goes on with the open file of a folder when its upload was stopped', async () => {
    const films = join(folder, 'films');
    await mkdir(films);
    await writeFile(join(films, 'a-small.bin'), randomBytes(1_000));
    await writeFile(join(films, 'large.bin'), randomBytes(40 * MIB));
    const args = ['upload', '-r', films, '--json', '--concurrency', '2', '--part-size', '5MiB'];
    const first = run(...args, '--max-rate', '30M');
    await first.says(/[45]\d %/);
    first.child.kill('SIGINT');
    const stopped = await first.ended;
    expect(stopped.status).toBe(130);
    // What is done is done, and said.
    expect(linesOf(stopped.stdout)).toMatchObject([
      { file: join(films, 'a-small.bin'), sizeBytes: 1_000 },
      { file: join(films, 'large.bin'), error: { code: 'STOPPED' } },
    ]);
    const second = await run(...args).ended;
    expect(second).toMatchObject({ status: 0, stderr: expect.stringContaining('large.bin: resuming') });
    expect(linesOf(second.stdout)).toHaveLength(2);
  });

  it.each([
    ['SIGKILL', null],
    ['SIGINT', 130],
    ['SIGTERM', 130],
  ] as const)(
    'goes on where %s stopped it when the same command is run again',
    async (signal, expectedStatus) => {
      const bytes = randomBytes(40 * MIB);
      const path = await makeFile(`${signal}.bin`, bytes);
      const args = ['upload', path, '--json', '--concurrency', '2', '--part-size', '5MiB'];
      const first = run(...args, '--max-rate', '30M');
      await first.says(/[45]\d %/);
      first.child.kill(signal);
      const { status, stderr } = await first.ended;
      expect(status).toBe(expectedStatus);
      if (signal !== 'SIGKILL') expect(stderr).toContain('Run the same command again to resume');
      expect(stderr).not.toContain('100 %');

      const second = await run(...args).ended;
      expect(second.status).toBe(0);
      expect(second.stderr).toContain('resuming');
      const { resumedParts, key, parts } = JSON.parse(second.stdout);
      expect(parts).toBe(8);
      expect(resumedParts).toBeGreaterThan(0);
      expect(sha256(await servers.read(key))).toBe(sha256(bytes));
      // Nothing is left to come back to.
      expect(await readdir(join(folder, 'state', 'longhaul'))).toEqual([]);
    },
  );

  it('teaches, and says what it did not understand', async () => {
    const nothing = await run().ended;
    expect(nothing).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('Examples') });
    const help = await run('--help').ended;
    expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining('Examples'), stderr: '' });
    const mistake = await run('upload', 'a', '--max-rate', 'fast').ended;
    expect(mistake).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('longhaul --help'),
    });
    const range = await run('upload', 'a', '--part-size', '1MiB').ended;
    expect(range).toMatchObject({ status: 2, stderr: expect.stringContaining('5MiB to 5GiB') });
    const unknown = await run('upload', 'a', '--colour').ended;
    expect(unknown.stderr).toBe("Unknown option '--colour'.\nTry: longhaul --help\n");
    const version = await run('--version').ended;
    expect(version).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
      stderr: '',
    });
    const nowhere = await run('upload', 'a', '--coordinator', 'localhost').ended;
    expect(nowhere).toMatchObject({ status: 2, stderr: expect.stringContaining('begins with http://') });
  });
});

describe('longhaul upload -', () => {
  const FROM_PIPE = ['upload', '-', '--name', 'dump.sql', '--json', '--part-size', '5MiB'];

  async function pipe(bytes: Uint8Array, ...args: string[]): Promise<Awaited<Run['ended']>> {
    const { child, ended } = start(...FROM_PIPE, ...args);
    child.stdin.on('error', () => {});
    child.stdin.end(bytes);
    return await ended;
  }

  it.each([0, 1_000, 17 * MIB])('stores %d bytes of standard input under their name', async (sizeBytes) => {
    const bytes = randomBytes(sizeBytes);
    const { status, stdout } = await pipe(bytes);
    expect(status).toBe(0);
    const { key, ...report } = JSON.parse(stdout);
    expect(report).toMatchObject({ file: '-', sizeBytes });
    expect(sha256(await servers.read(key))).toBe(sha256(bytes));
    expect(await servers.metadata(key)).toMatchObject({ 'original-name': 'dump.sql' });
  });

  it('says where it is, under its name', async () => {
    const { child, ended } = start('upload', '-', '--name', 'dump.sql');
    child.stdin.end('select 1');
    expect(await ended).toMatchObject({ status: 0, stdout: expect.stringMatching(/^dump\.sql -> /) });
  });

  it('shows what has come while nobody knows how much will', async () => {
    const { status, stderr } = await pipe(randomBytes(40 * MIB));
    expect(status).toBe(0);
    expect(stderr).toMatch(/^dump\.sql: \d+\.\d MB(, |$)/m);
    expect(stderr).toContain('dump.sql: 100 % 41.9 MB of 41.9 MB');
  });

  it('stores nothing of an input that ends before its expected size, or after', async () => {
    const keys = await servers.keys();
    const short = await pipe(randomBytes(17 * MIB), '--expect-size', '18MiB');
    expect(short).toMatchObject({ status: 1, stderr: expect.stringContaining('17825792, not 18874368') });
    expect(JSON.parse(short.stdout)).toMatchObject({ file: '-', error: { code: 'SIZE_MISMATCH' } });
    const long = await pipe(randomBytes(17 * MIB), '--expect-size', '16MiB');
    expect(JSON.parse(long.stdout)).toMatchObject({ error: { code: 'SIZE_MISMATCH' } });
    expect(await servers.keys()).toEqual(keys);
    expect(await servers.openUploads()).toBe(0);
    expect(await pipe(randomBytes(17 * MIB), '--expect-size', '17MiB')).toMatchObject({ status: 0 });
  });

  it('stores nothing when it is stopped, and waits for no more input', async () => {
    const { child, ended, says } = start(...FROM_PIPE);
    child.stdin.on('error', () => {});
    child.stdin.write(randomBytes(40 * MIB));
    await says(/MB/);
    child.kill('SIGINT');
    expect(await ended).toMatchObject({ status: 130, stderr: expect.stringContaining('Nothing was stored') });
    expect(await servers.openUploads()).toBe(0);
  });

  it('says what is missing or makes no sense', async () => {
    const mistakes: readonly [string, string[]][] = [
      ['needs a name', ['upload', '-']],
      ['uploaded alone', ['upload', '-', 'a', '--name', 'x']],
      ['files have a name', ['upload', 'a', '--name', 'x']],
      ['files have a name', ['upload', 'a', '--expect-size', '5']],
    ];
    for (const [message, args] of mistakes)
      expect(await run(...args).ended).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });
});

describe('longhaul rotate', () => {
  const keyIn = async (name: string): Promise<{ file: string; base64: string }> => {
    const key = randomBytes(32);
    return { file: await makeFile(name, key), base64: key.toString('base64') };
  };

  async function uploaded(keyFile: string) {
    const bytes = randomBytes(1_000);
    const path = await makeFile('rotated.bin', bytes);
    const options = ['--encryption', 'sse-c', '--key-file', keyFile, '--json'];
    const { stdout } = await run('upload', path, ...options).ended;
    const { uploadId, key } = JSON.parse(stdout) as { uploadId: string; key: string };
    return { bytes, uploadId, key };
  }

  it('gives an object another key, and again says so when it is asked again', async () => {
    const [old, next] = [await keyIn('old.key'), await keyIn('new.key')];
    const { bytes, uploadId, key } = await uploaded(old.file);
    const command = ['rotate', uploadId, '--encryption', 'sse-c', '--key-file', next.file];
    for (const _time of [1, 2]) {
      const rotated = start(...command, '--old-key-file', '-');
      rotated.child.stdin.end(old.base64);
      const { status, stdout, stderr } = await rotated.ended;
      expect({ status, stdout }).toEqual({
        status: 0,
        stdout: `${uploadId} -> uploads/${key}.1 (sse-c, 1.00 kB)\n`,
      });
      for (const secret of [old, next]) expect(stdout + stderr).not.toContain(secret.base64);
    }
    expect(sha256(await servers.read(`${key}.1`, next.base64))).toBe(sha256(bytes));
    await expect(servers.read(key, old.base64)).rejects.toThrow();
  });

  it('streams an object that the store does not copy, also after it was stopped', async () => {
    const ceph = await startServers({ profile: { ssecCopy: false } });
    let parts = 0;
    let hasStopped = false;
    const server = serve({
      async fetch(request) {
        if (!hasStopped && (await request.clone().text()).includes('"sign"') && ++parts > 2) await stopped;
        return await ceph.coordinator(request);
      },
      hostname: '127.0.0.1',
      port: 0,
    });
    await once(server, 'listening');
    const at = ['--coordinator', `http://127.0.0.1:${(server.address() as AddressInfo).port}`];
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    const [old, next] = [await keyIn('ceph-old.key'), await keyIn('ceph-new.key')];
    const bytes = randomBytes(18 * MIB);
    const path = await makeFile('streamed.bin', bytes);
    const wish = ['--part-size', '5MiB', '--encryption', 'sse-c', '--key-file', old.file, '--json'];
    hasStopped = true;
    const { stdout } = await run('upload', path, ...wish, ...at).ended;
    hasStopped = false;
    const { uploadId, key } = JSON.parse(stdout) as { uploadId: string; key: string };
    const command = ['rotate', uploadId, '--encryption', 'sse-c', '--key-file', next.file];
    const first = run(...command, '--old-key-file', old.file, ...at);
    await expect.poll(() => parts, { timeout: 20_000 }).toBeGreaterThan(2);
    first.child.kill('SIGINT');
    expect(await first.ended).toMatchObject({ status: 130, stderr: expect.stringContaining('same command') });
    hasStopped = true;
    resolve();
    const second = await run(...command, '--old-key-file', old.file, ...at).ended;
    expect(second).toMatchObject({ status: 0, stdout: expect.stringContaining(`uploads/${key}.1 (sse-c`) });
    for (const secret of [old, next]) expect(second.stdout + second.stderr).not.toContain(secret.base64);
    expect(sha256(await ceph.read(`${key}.1`, next.base64))).toBe(sha256(bytes));
    await new Promise((closed) => server.close(closed));
    await ceph.stop();
  });

  it('goes on with the next one, and ends with 1, when one is refused', async () => {
    const old = await keyIn('one.key');
    const { uploadId, key } = await uploaded(old.file);
    const nobody = '00000000-0000-4000-8000-000000000000';
    const options = ['--encryption', 'sse-s3', '--old-key-file', old.file, '--json'];
    const { status, stdout, stderr } = await run('rotate', nobody, uploadId, ...options).ended;
    expect(status).toBe(1);
    expect(stderr).toContain(`${nobody}: The coordinator refused (upload-not-found)`);
    const reports = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(reports).toMatchObject([
      { nodeId: nobody, error: { code: 'upload-not-found', requestId: expect.any(String) } },
      { nodeId: uploadId, state: 'DONE', encryption: { mode: 'sse-s3' }, result: { key: `${key}.1` } },
    ]);
  });

  it('teaches by its help, and by what it refuses', async () => {
    const help = await run('rotate', '--help').ended;
    expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining('--old-key-file FILE') });
    const id = '00000000-0000-4000-8000-000000000000';
    const wrong = [
      [[], 'No object was named'],
      [[id], '--encryption is missing'],
      [['film.mp4', '--encryption', 'sse-s3'], 'NODE_ID'],
      [[id, '--encryption', 'sse-c'], 'openssl rand'],
      [[id, '--encryption', 'sse-c', '--key-file', '-', '--old-key-file', '-'], 'one key'],
      [[id, '--encryption', 'sse-s3', '--old-key-file', join(folder, 'absent.key')], 'absent.key'],
    ] as const;
    const ends = await Promise.all(wrong.map(async ([args]) => await run('rotate', ...args).ended));
    for (const [index, [, message]] of wrong.entries())
      expect(ends[index]).toMatchObject({ status: 2, stderr: expect.stringContaining(message) });
  });
});
