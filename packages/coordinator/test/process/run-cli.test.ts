import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../src/lib/process/run-cli.ts';

/** Runs a command line in this process. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const said = { stdout: '', stderr: '' };
  const status = await runCli(args, {
    env: { S3_BUCKET: 'uploads', ...env },
    say: (line) => (said.stdout += `${line}\n`),
    note: (line) => (said.stderr += `${line}\n`),
    report: (error) => (said.stderr += `${String(error)}\n`),
  });
  return { status, ...said };
}

describe('longhaul-coordinator', () => {
  it.each([
    ['serve', 'LONGHAUL_BACKGROUND_WORK'],
    ['migrate', 'schema'],
    ['sweep', '--reconcile'],
    ['relay', '--limit'],
    ['events', 'parked'],
    ['events replay', '--since'],
    ['cancel', 'UPLOAD_ID'],
    ['bucket lifecycle', 'must exceed the longest upload'],
  ])('%s --help teaches, and the overview names it', async (name, words) => {
    const help = await run([...name.split(' '), '--help']);
    expect(help).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining(words) });
    expect(help.stdout).toMatch(new RegExp(`^longhaul-coordinator ${name}\\b`));
    expect((await run(['--help'])).stdout).toMatch(new RegExp(`^  longhaul-coordinator ${name} +\\w`, 'm'));
  });

  it('says of every variable what it means', async () => {
    const { stdout } = await run(['--help']);
    for (const [line] of stdout.matchAll(/^  (?:S3|AWS|LONGHAUL)_\w+ .*$/gm))
      expect(line).toMatch(/^  \w+ +[^\d\s]/);
  });

  it.each([
    [['sweep', '--abort'], '--reconcile'],
    [['sweep', '--limit', '0'], '--limit'],
    [['sweep', 'now'], "'now'"],
    [['relay', '--limit', 'x'], '--limit'],
    [['relay', '--loud'], '--loud'],
    [['events', 'replai'], "'replai'"],
    [['events', 'replay'], '--parked'],
    [['events', 'replay', '--parked', '--since', '2026-11-27'], '--parked'],
    [['events', 'replay', '--since', '2026-11-27T10:00'], 'zone'],
    [['events', 'replay', '--since', '2026-13-01'], '2026-13-01'],
    [['events', 'replay', '--event', '17'], 'UUID'],
    [['cancel'], 'UPLOAD_ID'],
    [['cancel', 'mine'], 'UUID'],
    [['cancel', randomUUID(), randomUUID()], 'One UPLOAD_ID'],
    [['bucket', 'lifecycle', '--days', '0'], '--days'],
    [['bucket'], 'no command "bucket". There is "bucket lifecycle".'],
    [['sevre', '--help'], 'no command'],
    [[], 'Name a command'],
  ])('%j is not understood: ends with 2, says why and where to read', async (args, why) => {
    const { status, stdout, stderr } = await run(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(why);
    expect(stderr).toMatch(/Try: longhaul-coordinator .*--help\n$/);
  });

  it.each([
    'sweep',
    'relay',
    'events',
    'events replay --parked',
    'bucket lifecycle',
    `cancel ${randomUUID()}`,
  ])('%s makes no catalog where there is none', async (line) => {
    const LONGHAUL_SQLITE_FILE = join(tmpdir(), `longhaul-${randomUUID()}.sqlite`);
    const { status, stderr } = await run(line.split(' '), { LONGHAUL_SQLITE_FILE });
    expect(status).toBe(2);
    expect(stderr).toContain(LONGHAUL_SQLITE_FILE);
    expect(existsSync(LONGHAUL_SQLITE_FILE)).toBe(false);
  });
});
