import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { type CreateUploadResponse, TOKEN_HEADER, type UploadEvent } from '@longhaul/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { logLine } from '../../src/lib/process/log-line.ts';
import { runCli } from '../../src/lib/process/run-cli.ts';
import { BUCKET, credentials, openWorld, type ProcessWorld, uploadInline } from './process-world.ts';
import { openWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

const DAY_MS = 86_400_000;
const SECRET = `whsec_${Buffer.from('canary-secret-canary-secret-1234').toString('base64')}`;

let world: ProcessWorld;
let client: S3Client;
let receiver: WebhookReceiver;

beforeEach(async () => {
  // The AWS SDK looks for them there and nowhere else.
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  world = await openWorld();
  receiver = await openWebhookReceiver();
  client = new S3Client({
    region: 'us-east-1',
    endpoint: world.store.url,
    forcePathStyle: true,
    credentials,
  });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  client.destroy();
  await receiver.close();
  await world.close();
});

interface Ending {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const envOf = (env: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  S3_BUCKET: BUCKET,
  S3_ENDPOINT: world.store.url,
  S3_PROFILE: 'local-s3',
  LONGHAUL_SQLITE_FILE: join(world.folder, 'longhaul.sqlite'),
  ...env,
});

/** Runs a command in this process: a process of its own for each would take minutes. */
async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
  const said = { stdout: '', stderr: '' };
  const status = await runCli(args, {
    env: envOf(env),
    say: (line) => (said.stdout += `${line}\n`),
    note: (line) => (said.stderr += `${line}\n`),
    report: (error) => (said.stderr += `${logLine(error, new Date())}\n`),
  });
  return { status, ...said };
}

/** Runs a command with `--json` and reads its answer. */
async function runJson<Answer>(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const ending = await run([...args, '--json'], env);
  return { ...ending, answer: JSON.parse(ending.stdout || 'null') as Answer };
}

const toReceiver = (): Record<string, string> => ({
  LONGHAUL_WEBHOOK_URL: receiver.url,
  LONGHAUL_WEBHOOK_SECRET: SECRET,
});

async function beginMultipart(url: string): Promise<CreateUploadResponse> {
  const response = await fetch(`${url}/v1/uploads`, {
    method: 'POST',
    body: JSON.stringify({ createId: randomUUID(), name: 'x', sizeBytes: 10_000_000, mode: 'multipart' }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as CreateUploadResponse;
}

/** Uploads that a coordinator without background work has begun, one for each wish. */
async function begin(
  wishes: readonly ('multipart' | 'inline')[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly CreateUploadResponse[]> {
  const server = world.run(['serve'], { LONGHAUL_BACKGROUND_WORK: 'false', ...env });
  const url = await server.listening();
  const uploads: CreateUploadResponse[] = [];
  for (const wish of wishes) {
    uploads.push(wish === 'inline' ? await uploadInline(url) : await beginMultipart(url));
  }
  server.child.kill('SIGTERM');
  expect(await server.ended).toBe(0);
  return uploads;
}

/** One row of the catalog, by other means than calls. */
function row<Row>(sql: string, ...values: readonly string[]): Row | undefined {
  const database = new DatabaseSync(join(world.folder, 'longhaul.sqlite'));
  try {
    return database.prepare(sql).get(...values) as Row | undefined;
  } finally {
    database.close();
  }
}

/** Changes a row as no call can: time that has gone by, a state that a dead process has left. */
function alter(set: string, { uploadId }: Pick<CreateUploadResponse, 'uploadId'>): void {
  expect(row(`UPDATE nodes SET ${set} WHERE document_id = ? RETURNING 1 AS done`, uploadId)).toEqual({
    done: 1,
  });
}

function keyOf(upload: CreateUploadResponse | undefined, folder = 'connectors/default'): string {
  return `${folder}/${upload?.uploadId}`;
}

async function openAtStore(): Promise<readonly string[]> {
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET }));
  return Uploads.map(({ Key }) => Key ?? '');
}

async function beginAtStore(key: string): Promise<string> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: key }));
  return UploadId;
}

describe('longhaul-coordinator sweep', () => {
  it('ends what is idle, and nothing else', async () => {
    const [idle, busy] = await begin(['multipart', 'multipart']);
    alter('expires_at = 1', idle!);
    const { status, answer } = await runJson<{ sweep: object; tidy: object }>(['sweep']);
    expect(status).toBe(0);
    expect(answer.sweep).toMatchObject({ expired: 1, failed: 0 });
    expect(answer.tidy).toEqual({ removedEvents: 0, removedUploads: 0 });
    expect(await openAtStore()).toEqual([keyOf(busy)]);

    const again = await run(['sweep', '--limit', '5']);
    expect(again).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/ 0 expired.*\n.*0 sent events/),
    });
  });

  it('says what it could not do, and ends with 1', async () => {
    const [idle] = await begin(['multipart']);
    alter('expires_at = 1', idle!);
    const { ended, said } = world.run(['sweep', '--json'], { AWS_SECRET_ACCESS_KEY: 'another' });
    expect(await ended).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({ sweep: { expired: 0, failed: 1 } });
    expect(said.stderr).toContain('SignatureDoesNotMatch');
  });

  it('compares with the store, and leaves to others what is theirs', async () => {
    const [open] = await begin(['multipart']);
    const theirs = await beginAtStore('connectors/theirs');
    await beginAtStore('elsewhere/theirs');
    const { status, stdout } = await run(['sweep', '--reconcile']);
    expect(status).toBe(0);
    expect(stdout).toContain('2 unfinished multipart uploads at the store under "connectors/"');
    expect(stdout).toMatch(new RegExp(`^open +\\S+ +${keyOf(open)} `, 'm'));
    expect(stdout).toMatch(new RegExp(`^unknown +\\S+ +connectors/theirs +${theirs}$`, 'm'));
    expect(await run(['sweep', '--reconcile', '--abort'])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('{installationId}'),
    });
    expect(await openAtStore()).toHaveLength(3);
  });

  it('ends what is provably left behind', async () => {
    const env = { LONGHAUL_KEY_TEMPLATE: '{installationId}/{nodeId}' };
    const [open, gone] = await begin(['multipart', 'multipart'], env);
    expect(await run(['cancel', gone!.uploadId], env)).toMatchObject({ status: 0 });
    const { installation_id: folder } =
      row<{ installation_id: string }>('SELECT installation_id FROM longhaul_installation') ?? {};
    await beginAtStore(keyOf(gone, folder));
    // The store tells whole seconds only, and what is older than the catalog is not touched.
    row('UPDATE longhaul_installation SET created_at = created_at - 60000 RETURNING 1');
    const { answer } = await runJson<{ reconcile: { uploads: { verdict: string; aborted: boolean }[] } }>(
      ['sweep', '--reconcile', '--abort'],
      env,
    );
    const found = answer.reconcile.uploads.map(({ verdict, aborted }) => `${verdict} ${aborted}`);
    expect(found.toSorted()).toEqual(['ended true', 'open false']);
    expect(await openAtStore()).toEqual([keyOf(open, folder)]);
  });
});

describe('longhaul-coordinator relay and events', () => {
  it('tell what waits, once, and again when asked', async () => {
    const [done] = await begin(['inline']);
    expect(await run(['events'])).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^1 event waiting, the oldest for \d+ (s|min).*; 0 of them parked\.\n$/),
    });
    expect((await runJson(['relay'], toReceiver())).answer).toEqual({ sent: 1, retried: 0, parked: 0 });
    expect(receiver.events).toMatchObject([
      { type: 'io.longhaul.upload.completed.v1', data: { uploadId: done!.uploadId, key: keyOf(done) } },
    ]);
    expect((await runJson(['events'])).answer).toEqual({ unsentCount: 0, parkedCount: 0, parked: [] });

    const [{ id }] = receiver.events as [UploadEvent];
    for (const selection of [
      ['--event', id],
      ['--since', '2020-01-01'],
      ['--since', '2020-01-01T00:00:00+02:00'],
    ]) {
      expect(await run(['events', 'replay', ...selection])).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^1 event made due/),
      });
      expect(await run(['relay'], toReceiver())).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^1 event told/),
      });
    }
    expect(receiver.events.map((event) => event.id)).toEqual([id, id, id, id]);
    expect((await runJson(['events', 'replay', '--since', '2099-01-01'])).answer).toEqual({ replayed: 0 });
    expect(await run(['events', 'replay', '--event', randomUUID()])).toMatchObject({ status: 1 });
  });

  it('show what is parked, why, and take it up again', async () => {
    const [done] = await begin(['inline']);
    receiver.answerWith(422);
    const attempts = () => row<{ attempts: number }>('SELECT attempts FROM outbox')?.attempts ?? 0;
    while (attempts() < 5) {
      expect(await run(['relay'], toReceiver())).toMatchObject({ status: 1 });
      row('UPDATE outbox SET next_attempt_at = 1 RETURNING 1');
    }
    const { status, stdout } = await run(['events']);
    expect(status).toBe(0);
    expect(stdout).toMatch(
      /^1 event waiting.*; 1 of them parked\.\nEVENT +UPLOAD +TYPE +ATTEMPTS +LAST ERROR\n/,
    );
    expect(stdout).toContain(done!.uploadId);
    expect(stdout).toMatch(/ 5 +webhook: \S+ answered 422\n$/);

    receiver.answerWith(204);
    expect(await run(['relay'], toReceiver())).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^0 events told/),
    });
    expect((await runJson(['events', 'replay', '--parked'])).answer).toEqual({ replayed: 1 });
    expect(await run(['relay'], toReceiver())).toMatchObject({ status: 0 });
    expect(receiver.events).toHaveLength(1);
  });

  it('say a sink that is away, without its secrets', async () => {
    await begin(['inline']);
    const env = { ...toReceiver(), LONGHAUL_WEBHOOK_URL: 'http://127.0.0.1:1/hook/canary-path' };
    const { status, stdout, stderr } = await run(['relay'], env);
    expect({ status, stdout }).toEqual({
      status: 1,
      stdout: '0 events told, 1 to be told again later, 0 parked.\n',
    });
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).not.toContain('\n    at ');
    expect(`${stdout}${stderr}`).not.toContain('canary');
    expect(`${stdout}${stderr}`).not.toContain(SECRET);
  });

  it('want somebody to tell', async () => {
    await begin([]);
    expect(await run(['relay'])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('LONGHAUL_WEBHOOK_URL'),
    });
  });
});

describe('longhaul-coordinator cancel', () => {
  it('ends an upload, and its parts at the store', async () => {
    const [upload, other] = await begin(['multipart', 'multipart']);
    expect(await run(['cancel', upload!.uploadId])).toMatchObject({
      status: 0,
      stdout: `${upload!.uploadId} is CANCELLED.\n`,
    });
    expect(await openAtStore()).toEqual([keyOf(other)]);
    expect((await runJson(['cancel', upload!.uploadId])).answer).toEqual({
      uploadId: upload!.uploadId,
      state: 'CANCELLED',
    });
  });

  it('leaves alone what is complete, and remembers the wish while it is being completed', async () => {
    const [complete, completing] = await begin(['inline', 'multipart']);
    expect(await run(['cancel', complete!.uploadId])).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('is COMPLETED: the object is whole and stays.'),
    });
    alter(
      "upload_state = 'COMPLETING', epoch = 1, complete_sent_at = 1, next_attempt_at = 9e15",
      completing!,
    );
    expect(await run(['cancel', completing!.uploadId])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('your wish is remembered'),
    });
    expect(
      row<{ cancel_requested: number }>(
        'SELECT cancel_requested FROM nodes WHERE upload_state = ?',
        'COMPLETING',
      ),
    ).toEqual({ cancel_requested: 1 });
    expect(await openAtStore()).toEqual([keyOf(completing)]);
  });

  it('says that there is no such upload', async () => {
    await begin([]);
    const uploadId = randomUUID();
    expect(await run(['cancel', uploadId])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`There is no upload ${uploadId}`),
    });
  });
});

describe('longhaul-coordinator rotate', () => {
  const keysAtStore = async (): Promise<readonly string[]> => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    return Contents.flatMap(({ Key }) => Key ?? []).toSorted();
  };
  const keyFile = async (name: string): Promise<{ file: string; base64: string }> => {
    const key = randomBytes(32);
    const file = join(world.folder, name);
    await writeFile(file, key);
    return { file, base64: key.toString('base64') };
  };
  const linesOf = (stdout: string): unknown[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);

  it('gives many objects a key, skips those that have it, and goes on from there', async () => {
    const [one, other] = await begin(['inline', 'inline']);
    const [first, second] = [await keyFile('first.key'), await keyFile('second.key')];
    const list = join(world.folder, 'ids');
    await writeFile(list, `# films\n${one!.uploadId} a film\n\n${other!.uploadId}\n`);
    const command = ['rotate', '--encryption', 'sse-c', '--key-file', first.file];
    const dry = await run([...command, '--from-file', list, '--dry-run', '--json']);
    expect(linesOf(dry.stdout)).toMatchObject([{ outcome: 'would-rotate' }, { outcome: 'would-rotate' }]);
    expect(await keysAtStore()).toEqual([keyOf(one), keyOf(other)].toSorted());

    expect((await run([...command, one!.uploadId])).status).toBe(0);
    const rest = await run([...command, '--from-file', list, '--json']);
    expect(rest.status).toBe(0);
    expect(linesOf(rest.stdout)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ nodeId: one!.uploadId, outcome: 'skipped', key: `${keyOf(one)}.1` }),
        expect.objectContaining({ nodeId: other!.uploadId, outcome: 'rotated', to: 'sse-c' }),
      ]),
    );
    expect(await keysAtStore()).toEqual([`${keyOf(one)}.1`, `${keyOf(other)}.1`].toSorted());

    const next = ['rotate', one!.uploadId, '--encryption', 'sse-c', '--key-file', second.file];
    const last = await run([...next, '--old-key-file', first.file]);
    expect(last).toMatchObject({
      status: 0,
      stdout: `${one!.uploadId} ${keyOf(one)}.2: now sse-c\n`,
    });
    for (const secret of [first, second])
      expect(JSON.stringify([dry, rest, last])).not.toContain(secret.base64);
  });

  it('copies what has the encryption only when it is told so', async () => {
    const [object] = await begin(['inline']);
    const command = ['rotate', object!.uploadId, '--encryption', 'sse-s3'];
    const ends = [await run(command), await run(command), await run([...command, '--again'])];
    expect(ends.map(({ stdout }) => stdout)).toEqual([
      `${object!.uploadId} ${keyOf(object)}.1: now sse-s3\n`,
      `${object!.uploadId} ${keyOf(object)}.1: already sse-s3\n`,
      `${object!.uploadId} ${keyOf(object)}.2: now sse-s3\n`,
    ]);
  });

  it('says what is refused, and does the others', async () => {
    const [open, object] = await begin(['multipart', 'inline']);
    const ids = [open!.uploadId, object!.uploadId, randomUUID()];
    const { status, stdout } = await run(['rotate', ...ids, '--encryption', 'sse-s3', '--json']);
    expect(status).toBe(1);
    expect(linesOf(stdout)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ nodeId: ids[0], outcome: 'refused', code: 'upload-incomplete' }),
        expect.objectContaining({ nodeId: ids[1], outcome: 'rotated' }),
        expect.objectContaining({ nodeId: ids[2], outcome: 'refused', code: 'upload-not-found' }),
      ]),
    );
  });

  it('refuses arguments that make no sense', async () => {
    const id = randomUUID();
    const wrong = [
      [['--encryption', 'sse-s3'], 'NODE_IDs'],
      [[id, '--from-file', 'x', '--encryption', 'sse-s3'], 'NODE_IDs'],
      [[id], '--encryption is missing'],
      [[id, '--encryption', 'aes'], 'sse-kms:KEY'],
      [[id, '--encryption', 'sse-c'], 'openssl rand'],
      [[id, '--encryption', 'sse-s3', '--key-file', 'x'], '--encryption sse-c'],
      [[id, '--encryption', 'sse-c', '--key-file', '-', '--old-key-file', '-'], 'one thing'],
      [[id, '--encryption', 'sse-c', '--key-file', 'absent.key'], 'absent.key cannot be read'],
      [['film', '--encryption', 'sse-s3'], 'UUID'],
    ] as const;
    for (const [args, message] of wrong)
      expect(await run(['rotate', ...args])).toMatchObject({
        status: 2,
        stderr: expect.stringContaining(message),
      });
  });
});

describe('longhaul-coordinator serve', () => {
  it('ends in its order when it is ended as soon as it says that it listens', async () => {
    const listeners = (): number => process.listenerCount('SIGTERM');
    const before = listeners();
    const said: string[] = [];
    const status = await runCli(['serve'], {
      env: { ...envOf({}), LONGHAUL_PORT: '0' },
      say: (line) => {
        if (said.push(line) > 1) return;
        // A process without a listener would be gone now.
        expect(listeners()).toBeGreaterThan(before);
        process.emit('SIGTERM');
      },
      note: () => undefined,
      report: () => undefined,
    });
    expect(said[0]).toContain('listens on');
    expect(status).toBe(0);
  });
});

describe('longhaul-coordinator bucket lifecycle', () => {
  const RULE = {
    ID: 'longhaul-abort-incomplete-uploads',
    Status: 'Enabled',
    Filter: { Prefix: 'connectors/' },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  };

  it('prints the rule as the aws command takes it, and says what it could not read', async () => {
    await begin([]);
    const { status, stdout, stderr } = await run(['bucket', 'lifecycle']);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ Rules: [RULE] });
    expect(stderr).toContain('replaces every rule');
  });

  it('has a rule of its own for a prefix of its own', async () => {
    await begin([]);
    const env = { LONGHAUL_KEY_TEMPLATE: 'a/{installationId}/{connectorId}/{nodeId}' };
    const { answer } = await runJson<{ LifecycleConfiguration: { Rules: (typeof RULE)[] } }>(
      ['bucket', 'lifecycle', '--days', '30'],
      env,
    );
    const [{ ID, Filter, AbortIncompleteMultipartUpload }] = answer.LifecycleConfiguration.Rules as [
      typeof RULE,
    ];
    const [, installationId = 'none'] = /^a\/([\da-f-]{36})\/$/.exec(Filter.Prefix) ?? [];
    expect(ID).toBe(`longhaul-abort-incomplete-uploads-${installationId}`);
    expect(AbortIncompleteMultipartUpload).toEqual({ DaysAfterInitiation: 30 });
  });

  it('does not apply it where the store cannot', async () => {
    await begin([]);
    expect(await run(['bucket', 'lifecycle', '--apply'])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/ObjectStoreError: .*local-s3/),
    });
    // The store itself says so, too, to somebody who believes that it can.
    expect(await run(['bucket', 'lifecycle', '--apply'], { S3_PROFILE: 'aws' })).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringContaining('NotImplemented'),
    });
  });

  it('refuses what would end open uploads, with numbers', async () => {
    const [upload] = await begin(['multipart']);
    for (const days of ['1', '3']) {
      expect(await run(['bucket', 'lifecycle', '--days', days])).toMatchObject({
        status: 1,
        stdout: '',
        stderr: expect.stringMatching(/^Refused: .*rest for 3 d .*--days 4\.\n$/),
      });
    }
    alter(`created_at = ${Date.now() - 6.4 * DAY_MS}`, upload!);
    expect(await run(['bucket', 'lifecycle'])).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/^Refused: .*begun 6 d 9 h ago.*--days 8\.\n$/),
    });
    expect(await run(['bucket', 'lifecycle', '--days', '8'])).toMatchObject({ status: 0 });
    expect(await run(['cancel', upload!.uploadId])).toMatchObject({ status: 0 });
    expect(await run(['bucket', 'lifecycle'])).toMatchObject({ status: 0 });
  });
});

describe('longhaul-coordinator serve', () => {
  it('tells events and ends what is idle by itself', async () => {
    const [idle] = await begin(['multipart']);
    alter('expires_at = 1', idle!);
    const server = world.run(['serve'], toReceiver());
    const url = await server.listening();
    await expect
      .poll(() => receiver.events.map(({ type }) => type), { timeout: 20_000 })
      .toEqual(['io.longhaul.upload.expired.v1']);
    const response = await fetch(`${url}/v1/uploads/${idle!.uploadId}`, {
      headers: { [TOKEN_HEADER]: idle!.token },
    });
    expect(await response.json()).toMatchObject({ state: 'EXPIRED' });
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    expect(server.said.text).not.toContain('canary');
  });
});
