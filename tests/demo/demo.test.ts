import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openFolder } from '../../tools/demo/folder.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const MIB = 1024 ** 2;

let scratch: string;
beforeEach(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'longhaul-demo-'));
});
afterEach(() => rm(scratch, { recursive: true }));

/** The demo in a process group of its own, with a folder of its own. */
function demo(...args: string[]) {
  const command = [join(ROOT, 'tools/demo.ts'), ...args, '--folder', join(scratch, 'kept')];
  const child = spawn(process.execPath, command, {
    cwd: scratch,
    detached: true,
    env: { PATH: process.env['PATH'] },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += String(chunk)));
  child.stderr.on('data', (chunk) => (said.err += String(chunk)));
  const ended = once(child, 'close').then(([status]) => ({ status: status as number | null, ...said }));
  return { said, ended, kill: () => process.kill(-child.pid!, 'SIGKILL') };
}

function reportOf(out: string) {
  return JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown> & { objectFile: string };
}

describe('the demo', () => {
  it.each([
    ['random bytes', () => randomBytes(24 * MIB)],
    ['zeros', () => Buffer.alloc(24 * MIB)],
  ])('carries %s and compares every byte', async (_what, content) => {
    const bytes = content();
    await writeFile(join(scratch, 'a file ü.bin'), bytes);
    const { status, out } = await demo('a file ü.bin', '--once', '--json').ended;
    const report = reportOf(out);
    expect({ status, ...report }).toMatchObject({
      status: 0,
      verified: true,
      sizeBytes: bytes.length,
      resumedParts: 0,
    });
    expect(report['parts']).toBeGreaterThan(1);
    expect(report['sha256']).toBe(report['storedSha256']);
    expect((await readFile(join(ROOT, report.objectFile))).equals(bytes)).toBe(true);
  });

  it('goes on where kill -9 of its whole group stopped it', async () => {
    const bytes = randomBytes(40 * MIB);
    await writeFile(join(scratch, 'file.bin'), bytes);
    const first = demo('file.bin', '--once', '--json', '--max-rate', '16M');
    await expect.poll(() => first.said.err, { timeout: 20_000 }).toMatch(/[5-7]\d %/);
    first.kill();
    expect((await first.ended).status).toBeNull();
    const { status, out } = await demo('file.bin', '--once', '--json').ended;
    const report = reportOf(out);
    expect({ status, ...report }).toMatchObject({ status: 0, verified: true });
    expect(report['resumedParts']).toBeGreaterThan(0);
    expect((await readFile(join(ROOT, report.objectFile))).equals(bytes)).toBe(true);
  });

  it('says what is wrong with its arguments, and ends with 2', async () => {
    for (const args of [['missing.bin'], ['.'], ['--max-rate', 'fast'], ['--bogus'], ['a', 'b']]) {
      const { status, err } = await demo(...args).ended;
      expect({ status, err }).toMatchObject({ status: 2, err: expect.stringContaining('demo --help') });
    }
  });

  it('keeps its folder to itself, also once the garbage was collected', async () => {
    setFlagsFromString('--expose-gc');
    const folder = await openFolder(join(scratch, 'kept'));
    (runInNewContext('gc') as () => void)();
    await expect(openFolder(join(scratch, 'kept'))).rejects.toThrow('Another demo is running');
    folder.release();
    (await openFolder(join(scratch, 'kept'))).release();
  });
});
