import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MoveRefusedError, type MoveTarget } from '../../src/lib/ports/catalog-move.ts';
import { Secret } from '../../src/lib/secret.ts';
import { importMoveFile } from '../../src/lib/process/move/import-move-file.ts';
import { checkMoveFile, type MoveLine } from '../../src/lib/process/move/move-file.ts';
import { runCli } from '../../src/lib/process/run-cli.ts';
import { startCoordinator } from '../support/start-coordinator.ts';
import { sealed, unsealed } from './move-files.ts';
import { BUCKET, credentials, openWorld, type ProcessWorld, uploadInline } from './process-world.ts';

let world: ProcessWorld;
beforeEach(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  world = await openWorld();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await world.close();
});

const at = (name: string): string => join(world.folder, name);

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const said = { stdout: '', stderr: '' };
  const status = await runCli(args, {
    env: {
      S3_BUCKET: BUCKET,
      S3_ENDPOINT: world.store.url,
      S3_PROFILE: 'local-s3',
      ...(!('LONGHAUL_DATABASE_URL' in env) && { LONGHAUL_SQLITE_FILE: at('longhaul.sqlite') }),
      ...env,
    },
    say: (line) => (said.stdout += `${line}\n`),
    note: (line) => (said.stderr += `${line}\n`),
    report: (error) => (said.stderr += `${String(error)}\n`),
  });
  return { status, ...said };
}

/** A coordinator that has begun one upload and completed another; it still serves. */
async function serveTwoUploads() {
  const server = world.run(['serve'], { LONGHAUL_BACKGROUND_WORK: 'false' });
  const url = await server.listening();
  await uploadInline(url);
  const body = JSON.stringify({
    createId: crypto.randomUUID(),
    // Ends a line wherever lines are not ended by \n alone.
    name: 'film\u2028.mkv',
    sizeBytes: 10_000_000,
    mode: 'multipart',
  });
  expect((await fetch(`${url}/v1/uploads`, { method: 'POST', body })).status).toBe(201);
  return server;
}

/** The same, stopped. */
async function stopWithTwoUploads(): Promise<void> {
  const server = await serveTwoUploads();
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
}

async function rowsOf(path: string): Promise<MoveLine[]> {
  const rows: MoveLine[] = [];
  await checkMoveFile(path, (line) => rows.push(line));
  return rows;
}

describe('longhaul-coordinator export', () => {
  it('waits for no coordinator to stop, and reads beside one only as a rehearsal', async () => {
    const server = await serveTwoUploads();
    expect(await run(['export', at('moved')])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^Refused: another process has .* open/),
    });
    await expect(stat(at('moved'))).rejects.toThrow('ENOENT');
    expect(await run(['export', at('rehearsal'), '--while-serving'])).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('A rehearsal'),
    });
    expect((await rowsOf(at('rehearsal'))).map(({ kind }) => kind)).toEqual(['nodes', 'nodes', 'events']);
    server.child.kill('SIGTERM');
    await server.ended;
    expect(await run(['export', at('moved')])).toMatchObject({
      status: 0,
      stderr: expect.stringContaining(
        `the content of ${at('longhaul.sqlite')}.token-key in LONGHAUL_TOKEN_KEYS`,
      ),
    });
  });

  it('writes a file that only its owner may read, without keys, and over no other', async () => {
    await stopWithTwoUploads();
    const { stdout } = await run(['export', at('moved'), '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ nodes: 2, openUploads: 1, events: 1, unsentEvents: 1 });
    expect((await stat(at('moved'))).mode & 0o777).toBe(0o600);
    const key = (await readFile(at('longhaul.sqlite.token-key'), 'utf8')).trim();
    const text = await readFile(at('moved'), 'utf8');
    expect(text).not.toContain(key);
    expect(text).toContain('film\u2028.mkv');
    expect(await run(['export', at('moved')])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('is there already'),
    });
    expect(await readFile(at('moved'), 'utf8')).toBe(text);
    const onStdout = await run(['export', '-']);
    expect(unsealed(onStdout.stdout).slice(1)).toEqual(unsealed(text).slice(1));
  });

  it('leaves a file alone whose tables a newer version has made', async () => {
    await stopWithTwoUploads();
    const database = new DatabaseSync(at('longhaul.sqlite'));
    database.exec('INSERT INTO longhaul_migrations (version, applied_at) VALUES (9999, 1)');
    database.close();
    expect(await run(['export', at('moved')])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('a newer version has made the tables'),
    });
  });

  it('knows of every table, whether it moves or stays', async () => {
    await stopWithTwoUploads();
    const database = new DatabaseSync(at('longhaul.sqlite'));
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
      .all();
    database.close();
    // A new table fails here: name it in CATALOG_KINDS and in the two adapters that move rows, or say why it stays.
    const moved = ['longhaul_installation', 'nodes', 'outbox', 'parts', 'rotations'];
    const stays = ['longhaul_migrations', 'sealed_keys', 'sqlite_sequence'];
    expect(tables.map(({ name }) => name)).toEqual([...moved, ...stays].toSorted());
  });

  it('and import say what they are for', async () => {
    const servers = {
      LONGHAUL_DATABASE_URL: 'postgres://127.0.0.1:1/x',
      LONGHAUL_REDIS_URL: 'redis://127.0.0.1:1',
      LONGHAUL_TOKEN_KEYS: 'a key for tests that is long enough',
    };
    const mistakes: readonly [
      args: readonly string[],
      env: Readonly<Record<string, string>>,
      word: string,
    ][] = [
      [['export', 'x'], servers, 'pg_dump'],
      [['export', 'x'], {}, 'there is no file'],
      [['export'], {}, 'Name one FILE'],
      [['export', '-', '--json'], {}, '--json'],
      [['import', 'x'], {}, 'LONGHAUL_DATABASE_URL is required'],
      [['import', 'x', 'y'], servers, 'Name one FILE'],
    ];
    for (const [args, env, word] of mistakes)
      expect(await run(args, env), args.join(' ')).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(word),
      });
  });
});

describe('a file that was moved', () => {
  let text: string;
  beforeEach(async () => {
    await stopWithTwoUploads();
    await run(['export', at('moved')]);
    text = await readFile(at('moved'), 'utf8');
  });

  async function verdictOn(content: string): Promise<string> {
    await writeFile(at('changed'), content);
    return await checkMoveFile(at('changed'), () => undefined).then(
      () => 'whole',
      (error: unknown) => (error instanceof MoveRefusedError ? error.message : String(error)),
    );
  }

  it('is refused when it was cut, anywhere', async () => {
    expect(await verdictOn(text)).toBe('whole');
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1).slice(0, -1);
    for (const end of [...ends, 10, text.length - 1, text.length - 20])
      expect(await verdictOn(text.slice(0, end)), `cut at ${end}`).toMatch(/cut short|no file that export/);
  });

  it('is refused when it was changed', async () => {
    const [header = '', ...lines] = text.trimEnd().split('\n');
    const whole = lines.join('\n');
    for (const other of [
      text.replace('film', 'file'),
      `${text}{}\n`,
      `${header}\n${lines.slice(1).join('\n')}\n`,
      `${header}\n${lines[0]}\n${whole}\n`,
      '',
    ])
      expect(await verdictOn(other)).toContain('cut short or was changed');
    // One that agrees with itself, but not with what its header promises.
    expect(await verdictOn(sealed(unsealed(text).slice(0, -1)))).toContain('cut short or was changed');
    expect(await verdictOn('{"a":1}\n')).toContain('no file that export has written');
    expect(await verdictOn('no JSON\n')).toContain('no file that export has written');
  });

  it('is refused in a format that nobody here knows', async () => {
    const [header = '', ...lines] = unsealed(text);
    const newer = { ...(JSON.parse(header) as object), format: 2 };
    expect(await verdictOn(sealed([JSON.stringify(newer), ...lines]))).toContain('format 2');
  });

  it('is refused without the keys that have signed, and when others were writing', async () => {
    const { options, close } = await startCoordinator();
    const asked: unknown[] = [];
    const target: MoveTarget = {
      take: async (installation) => {
        asked.push(installation);
        return {
          nodes: { taken: 0, there: 0 },
          rotations: { taken: 0, there: 0 },
          events: { taken: 0, there: 0 },
        };
      },
      close: async () => undefined,
    };
    const key = new Secret((await readFile(at('longhaul.sqlite.token-key'), 'utf8')).trim());
    const notes: string[] = [];
    const place = { options, target, tokenKeys: [key], note: (line: string) => void notes.push(line) };
    const move = (tokenKeys: readonly Secret[], path: string, dryRun = false) =>
      importMoveFile({ ...place, tokenKeys }, { path, dryRun });

    await expect(move([new Secret('quite another key, long enough')], at('moved'))).rejects.toThrow(
      '1 of 1 token key(s)',
    );
    await run(['export', at('rehearsal'), '--while-serving']);
    await expect(move([key], at('rehearsal'))).rejects.toThrow('--while-serving');
    expect(asked).toEqual([]);

    await move([key], at('rehearsal'), true);
    expect(await move([new Secret('a newer one that signs from now on'), key], at('moved'))).toMatchObject({
      openUploads: 1,
      unsentEvents: 1,
    });
    expect(asked).toHaveLength(2);
    expect(notes).toEqual([]);
    await close();
  });
});
