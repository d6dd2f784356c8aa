import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

describe('a machine that is not as the configuration says', () => {
  let folder: string;
  const taken = createServer();
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-machine-'));
    for (const name of ['folder', 'x.sqlite.token-key']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'y.sqlite'), '');
    await writeFile(join(folder, 'y.sqlite.token-key'), 'canary\n');
    await once(taken.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(async () => {
    taken.close();
    await rm(folder, { recursive: true });
  });

  const keyFile = (name: string) => ({ LONGHAUL_SQLITE_FILE: `DIR/${name}`, LONGHAUL_TOKEN_KEYS: '' });
  const transit = {
    LONGHAUL_KEY_VAULT: 'transit',
    LONGHAUL_TRANSIT_URL: 'http://127.0.0.1:1',
    LONGHAUL_TRANSIT_KEY: 'k',
    LONGHAUL_TRANSIT_TOKEN_FILE: 'DIR/missing',
  };
  const foreignHost = {
    LONGHAUL_METRICS_PORT: '0',
    LONGHAUL_METRICS_HOST: '192.0.2.1',
    LONGHAUL_METRICS_TOKEN: 'a token for scrapes',
  };
  const servers = {
    LONGHAUL_SQLITE_FILE: '',
    LONGHAUL_DATABASE_URL: 'postgres://127.0.0.1:1/x',
    LONGHAUL_REDIS_URL: 'redis://127.0.0.1:1',
  };

  it.each<[string, Record<string, string>, number, RegExp]>([
    [
      'serve',
      { LONGHAUL_SQLITE_FILE: 'DIR/missing/x.sqlite' },
      2,
      /=DIR\/missing\/x.sqlite: its folder DIR\/missing is not there/,
    ],
    [
      'migrate',
      { LONGHAUL_SQLITE_FILE: 'DIR/missing/x.sqlite' },
      2,
      /LONGHAUL_SQLITE_FILE=.*its folder DIR\/missing is not/,
    ],
    [
      'migrate',
      { LONGHAUL_SQLITE_FILE: 'DIR/folder' },
      2,
      /LONGHAUL_SQLITE_FILE=DIR\/folder: it is a folder/,
    ],
    ['serve', keyFile('x.sqlite'), 2, /DIR\/x.sqlite.token-key cannot be read: it is a folder/],
    ['serve', keyFile('y.sqlite'), 2, /DIR\/y.sqlite.token-key holds no key of 32 characters or more/],
    [
      'serve',
      { LONGHAUL_API_KEYS_FILE: 'DIR/missing' },
      2,
      /LONGHAUL_API_KEYS_FILE=DIR\/missing cannot be read: it is not there/,
    ],
    [
      'serve',
      { S3_PROFILE_FILE: 'DIR/folder' },
      2,
      /S3_PROFILE_FILE=DIR\/folder cannot be read: it is a folder/,
    ],
    ['serve', transit, 2, /LONGHAUL_TRANSIT_TOKEN_FILE=DIR\/missing cannot be read: it is not there/],
    [
      'serve',
      { LONGHAUL_PORT: 'PORT' },
      1,
      /^LONGHAUL_PORT=PORT: another program listens on 127.0.0.1 there/,
    ],
    ['serve', { LONGHAUL_METRICS_PORT: 'PORT' }, 1, /^LONGHAUL_METRICS_PORT=PORT: another program/],
    ['serve', foreignHost, 2, /LONGHAUL_METRICS_HOST=192.0.2.1 is no address of this machine/],
    [
      'export DIR/missing/rows',
      { LONGHAUL_SQLITE_FILE: 'DIR/y.sqlite' },
      1,
      /^DIR\/missing\/rows cannot be written: its folder is not there/,
    ],
    ['import DIR/missing/rows', servers, 1, /^DIR\/missing\/rows cannot be read: it is not there/],
  ])('%s with %o ends with %i and says what to do, in words', async (line, given, status, sentence) => {
    const port = String((taken.address() as AddressInfo).port);
    const here = (text: string): string => text.replaceAll('DIR', folder).replaceAll('PORT', port);
    const env = {
      LONGHAUL_SQLITE_FILE: ':memory:',
      LONGHAUL_TOKEN_KEYS: 'a-token-key-a-token-key-a-token-key',
      LONGHAUL_PORT: '0',
      ...given,
    };
    const named = Object.entries(env).map(([name, value]) => [
      name,
      value === 'PORT' || value.startsWith('DIR') ? here(value) : value,
    ]);
    const ended = await run(line.split(' ').map(here), Object.fromEntries(named));
    expect(ended).toMatchObject({ status, stdout: '' });
    expect(ended.stderr.replaceAll(folder, 'DIR').replaceAll(port, 'PORT')).toMatch(sentence);
    expect(ended.stderr).not.toMatch(/\bE[A-Z]{4,}\b|\n    at |canary/);
  });
});
