import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CreateUploadResponse, TOKEN_HEADER } from '@longhaul/protocol';
import { dumpFolder, dumpPostgres, dumpRedis } from './dumps.ts';
import { CLIENT, COORDINATOR } from './programs.ts';
import { type Canary, findSightings, type Haystack } from './scan.ts';
import { CANARIES, SECRETS } from './secrets.ts';
import { type CanaryWorld, openCanaryWorld } from './world.ts';

const MIB = 1024 ** 2;
const SIZE = 6 * MIB;
const AUTHORIZATION = `Bearer ${SECRETS.apiKey}`;
const UNDER_A_KEY = ['--encryption', 'sse-c', '--key-file', 'film.key', '--part-size', '5MiB'];
/** Nobody listens there. */
const NOWHERE = '127.0.0.1:1';

const servers = ['LONGHAUL_TEST_POSTGRES_URL', 'LONGHAUL_TEST_REDIS_URL', 'LONGHAUL_TEST_KAFKA_BROKERS'];
const isPossible = servers.every((name) => process.env[name]);

describe.skipIf(!isPossible)(`secrets (needs ${servers.join(', ')})`, () => {
  let world: CanaryWorld;
  let url: string;
  let metricsUrl: string;
  /** Secrets that are made on the way. */
  const made: Canary[] = [];
  /** Refusals and figures, as they were answered. */
  const answers: string[] = [];
  const uploadIds: string[] = [];

  beforeAll(async () => {
    world = await openCanaryWorld();
    await writeFile(join(world.folder, 'film.bin'), randomBytes(11 * MIB));
    await writeFile(join(world.folder, 'film.key'), SECRETS.customerKey);
    await writeFile(join(world.folder, 'next.key'), SECRETS.nextCustomerKey);
  });
  afterAll(() => world.close());

  const coordinator = (name: string, args: string[], env: Record<string, string> = {}): Promise<number> =>
    world.programs.run(`longhaul-coordinator ${name}`, [COORDINATOR, ...args], { ...world.env, ...env });

  const client = (name: string, args: string[], command = 'upload'): Promise<number> =>
    world.programs.run(`longhaul ${name}`, [CLIENT, command, ...args, '--coordinator', url], {
      LONGHAUL_AUTHORIZATION: AUTHORIZATION,
      XDG_STATE_HOME: join(world.folder, 'state'),
    });

  async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization: AUTHORIZATION, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    // Who is let in is given a token and URLs: those answers are the one place where they belong.
    if (!response.ok) answers.push(`${JSON.stringify([...response.headers])}\n${text}`);
    return { status: response.status, answer: JSON.parse(text) as CreateUploadResponse };
  }

  async function create(more: object = {}): Promise<CreateUploadResponse> {
    const body = { createId: randomUUID(), name: 'film.bin', sizeBytes: SIZE, mode: 'multipart', ...more };
    const { answer, status } = await call('POST', '/v1/uploads', body);
    expect(status).toBe(201);
    uploadIds.push(answer.uploadId);
    made.push({ name: 'a token', value: answer.token });
    const [, signature = ''] = answer.token.split('.');
    made.push({ name: "a token's signature", value: signature });
    for (const grant of answer.grants) {
      const { searchParams } = new URL(grant.url);
      made.push({ name: "a URL's signature", value: searchParams.get('X-Amz-Signature') ?? '' });
    }
    return answer;
  }

  it('go through a whole life', { timeout: 300_000 }, async () => {
    const ready = /listens on (\S+),[\s\S]*Prometheus: (\S+)/;
    const served = await world.programs.start(
      'longhaul-coordinator serve',
      [COORDINATOR, 'serve'],
      world.env,
      ready,
    );
    [, url = '', metricsUrl = ''] = served.match;
    await uploadsThatSucceed();
    await uploadsThatAreRefused();
    await uploadsThatAreCancelled();
    await aStoreThatTellsAll();
    await aStoreThatIsAway();
    await serversThatAreAway();
    await commands();
    await served.stop();
  });

  async function uploadsThatSucceed(): Promise<void> {
    expect(await client('upload --json', ['film.bin', '--json', '--part-size', '5MiB'])).toBe(0);
    expect(await client('upload', ['film.bin'])).toBe(0);
    expect(await client('upload, under a key', ['film.bin', ...UNDER_A_KEY])).toBe(0);
    await aRotation();
    const inline = await create({ sizeBytes: 1, mode: undefined, payload: 'eA==' });
    expect(inline.state).toBe('COMPLETED');
    await expect.poll(() => world.heard.length, { timeout: 20_000 }).toBeGreaterThan(3);
  }

  /** The store is taken for one that copies no object with a key. */
  async function aRotation(): Promise<void> {
    const [row] = await world.sql`select document_id from nodes where encryption is not null`;
    const keys = ['--encryption', 'sse-c', '--key-file', 'next.key', '--old-key-file', 'film.key'];
    expect(await client('rotate', [String(row?.['document_id']), ...keys], 'rotate')).toBe(0);
    expect((await world.sql`select state from rotations`)[0]).toEqual({ state: 'DONE' });
  }

  async function uploadsThatAreRefused(): Promise<void> {
    const { uploadId, token } = await create();
    const path = `/v1/uploads/${uploadId}`;
    const stray = SECRETS.straySecret;
    const key = { [TOKEN_HEADER]: token };
    const refusals: [string, string, unknown?, Record<string, string>?][] = [
      ['GET', path, undefined, { [TOKEN_HEADER]: `${token}x` }],
      ['GET', path, undefined, { [TOKEN_HEADER]: encodeURIComponent(stray) }],
      ['GET', `/v1/uploads/${randomUUID()}`, undefined, key],
      ['GET', `/v1/no/such?token=${token}&a=${encodeURIComponent(stray)}`],
      ['POST', `${path}/parts`, { report: [{ partNumber: 1, sizeBytes: 1, etag: '"e"' }] }, key],
      ['POST', `${path}/parts`, { report: [], customerKey: stray }, key],
      ['POST', `${path}/parts`, `{"a":${JSON.stringify(stray)}`, key],
      ['POST', `${path}/complete`, undefined, { ...key, 'x-request-id': token }],
      ['POST', '/v1/uploads', { name: 'x' }, { authorization: `Bearer ${encodeURIComponent(stray)}` }],
      ['POST', '/v1/uploads', { createId: stray, name: 'x', sizeBytes: 1 }],
      ['GET', `/v1/limits?size=${encodeURIComponent(stray)}`],
      ['POST', '/v1/uploads/batch/complete', { uploads: [{ uploadId, token: stray, more: stray }] }],
    ];
    for (const refusal of refusals)
      expect((await call(...refusal)).status, refusal[1]).toBeGreaterThanOrEqual(400);
    const told = { partNumber: 1, sizeBytes: SIZE, etag: '"e"', errorCodes: ['SlowDown', 'cANaRy-stray'] };
    await call('POST', `${path}/parts`, { report: [told] }, key);
  }

  async function uploadsThatAreCancelled(): Promise<void> {
    const { uploadId, token } = await create();
    await call('DELETE', `/v1/uploads/${uploadId}`, undefined, { [TOKEN_HEADER]: token });
  }

  async function aStoreThatTellsAll(): Promise<void> {
    const begun = await create({ checksums: [] });
    const key = { [TOKEN_HEADER]: begun.token };
    for (const grant of begun.grants)
      await fetch(grant.url, { method: 'PUT', headers: grant.headers, body: Buffer.alloc(SIZE) });
    const report = [{ partNumber: 1, sizeBytes: SIZE, etag: '"e"' }];
    await call('POST', `/v1/uploads/${begun.uploadId}/parts`, { report }, key);
    world.store.mood = 'talkative';
    const body = { createId: randomUUID(), name: 'x', sizeBytes: SIZE, mode: 'multipart' };
    expect((await call('POST', '/v1/uploads', body)).status).toBe(502);
    await call('POST', `/v1/uploads/${begun.uploadId}/complete`, undefined, key);
    await call('GET', '/readyz');
    expect(await client('upload, refused by the coordinator', ['film.bin', '--json'])).toBe(1);
    world.store.mood = 'honest';
    const { uploadId, token, grants } = await create({ checksums: [] });
    world.store.mood = 'talkative';
    await call('DELETE', `/v1/uploads/${uploadId}`, undefined, { [TOKEN_HEADER]: token });
    expect(grants.length).toBeGreaterThan(0);
    world.store.mood = 'talkative to clients';
    expect(await client('upload, refused by the store', ['film.bin', '--json'])).toBe(1);
    expect(await client('upload, under a key, refused', ['film.bin', '--json', ...UNDER_A_KEY])).toBe(1);
    world.store.mood = 'talkative';
    // Temporary credentials: the store refuses them, and says with what they came.
    const temporary = { AWS_SESSION_TOKEN: SECRETS.sessionToken };
    await coordinator('doctor, temporary credentials', ['doctor', '--json'], temporary);
    await coordinator(
      'bucket lifecycle, temporary credentials',
      ['bucket', 'lifecycle', '--apply'],
      temporary,
    );
    await coordinator('sweep, temporary credentials', ['sweep', '--reconcile'], temporary);
    world.store.mood = 'honest';
  }

  async function aStoreThatIsAway(): Promise<void> {
    world.store.mood = 'away';
    const body = { createId: randomUUID(), name: 'x', sizeBytes: SIZE, mode: 'multipart' };
    expect((await call('POST', '/v1/uploads', body)).status).toBe(503);
    expect(await coordinator('doctor, store away', ['doctor', '--json'])).not.toBe(0);
    world.store.mood = 'honest';
  }

  async function serversThatAreAway(): Promise<void> {
    for (const [name, value] of [
      ['LONGHAUL_DATABASE_URL', new URL(world.env['LONGHAUL_DATABASE_URL'] ?? '')],
      ['LONGHAUL_REDIS_URL', new URL(world.redisUrl)],
    ] as const) {
      value.host = NOWHERE;
      await coordinator(`sweep, no ${name}`, ['sweep'], { [name]: value.href });
      await coordinator(`doctor, no ${name}`, ['doctor', '--json'], { [name]: value.href });
    }
    const wrong = new URL(world.redisUrl);
    wrong.password = encodeURIComponent(SECRETS.straySecret);
    await coordinator('doctor, wrong password', ['doctor'], { LONGHAUL_REDIS_URL: wrong.href });
    await coordinator('serve, misconfigured', ['serve'], {
      LONGHAUL_DATABASE_URL: `mysql://a:${encodeURIComponent(SECRETS.databasePassword)}@host/b`,
      LONGHAUL_WEBHOOK_SECRET: SECRETS.straySecret,
      LONGHAUL_TOKEN_KEYS: 'cANaRy',
      LONGHAUL_METRICS_TOKEN: 'cANaRy',
    });
    await create({ sizeBytes: 1, mode: undefined, payload: 'eA==' });
    await coordinator('relay, Kafka away', ['relay', '--json'], {
      LONGHAUL_KAFKA_BROKERS: NOWHERE,
      LONGHAUL_KAFKA_USERNAME: 'ann',
      LONGHAUL_KAFKA_PASSWORD: SECRETS.kafkaPassword,
    });
  }

  async function commands(): Promise<void> {
    expect(await coordinator('events', ['events', '--json'])).toBe(0);
    await coordinator('sweep', ['sweep', '--json', '--reconcile']);
    await coordinator('events replay', ['events', 'replay', '--since', '2020-01-01']);
    await coordinator('relay', ['relay', '--json']);
    const figures = await fetch(metricsUrl, { headers: { authorization: `Bearer ${SECRETS.metricsToken}` } });
    answers.push(await figures.text());
    answers.push(
      await (
        await fetch(metricsUrl, { headers: { authorization: SECRETS.straySecret.replace('é', '') } })
      ).text(),
    );
  }

  async function everything(): Promise<readonly Haystack[]> {
    const redis = await dumpRedis(world.redisUrl);
    const sql = await dumpPostgres(world.sql);
    const messages = await world.topic.read();
    return [
      ...world.programs.said(),
      ...answers.map((text, index) => ({ name: `answer ${index}`, text })),
      redis,
      sql,
      { name: 'Kafka', text: JSON.stringify(messages) },
      { name: 'webhooks', text: world.heard.join('\n') },
      ...(await dumpFolder(world.folder, ['film.bin', 'film.key', 'next.key', 'api-keys'])),
    ];
  }

  it('are nowhere to be seen', async () => {
    const haystacks = await everything();
    const signatures = [...world.store.signatures].map((value) => ({
      name: 'a signature of a request',
      value,
    }));
    expect(signatures.length).toBeGreaterThan(20);
    expect(findSightings([...CANARIES, ...made, ...signatures], haystacks)).toEqual([]);
    const marked = haystacks.filter(({ text }) => text.includes('cANaRy'));
    expect(marked.map(({ name, text }) => `${name}: ${/.{0,80}cANaRy.{0,80}/.exec(text)?.[0]}`)).toEqual([]);
  });

  it('were looked for where something is', async () => {
    const haystacks = await everything();
    const text = (name: string): string =>
      haystacks
        .filter((haystack) => haystack.name.includes(name))
        .map((haystack) => haystack.text)
        .join('\n');
    const [first = ''] = uploadIds;
    for (const name of ['serve', 'Postgres', 'Kafka', 'webhooks']) expect(text(name), name).toContain(first);
    expect(text('Redis')).toMatch(/upload:\{/);
    expect(text('upload --json')).toContain('"key"');
    expect(text('refused by the store')).toContain('STORE_REFUSED');
    // What a user quotes is in the log.
    const [, requestId = 'none'] =
      /"requestId":"([\da-f-]{36})"/.exec(text('refused by the coordinator')) ?? [];
    expect(text('serve')).toContain(requestId);
    expect(text('Kafka away')).not.toBe('');
    expect(text('doctor')).toContain('{');
    for (const code of ['store-refused', 'token-invalid', 'bad-request', 'store-unreachable'])
      expect(text('answer'), code).toContain(code);
    const figures = answers.find((answer) => answer.includes('# TYPE')) ?? '';
    for (const figure of [
      'longhaul_s3_upload_part_success_total{bucket="uploads"}',
      'longhaul_s3_upload_part_error_total{bucket="uploads",error_code="other"} 1',
      'longhaul_s3_upload_part_duration_seconds_bucket',
      'longhaul_uploads_open{state="UPLOADING"}',
      'longhaul_uploads_unresolved_seconds',
      'longhaul_outbox_lag_seconds',
      'longhaul_swept_uploads_total',
      'longhaul_event_delivery_duration_seconds_count{sink="webhook",outcome="unavailable"} 1',
      'longhaul_backend_call_duration_seconds_count{backend="s3"',
      'longhaul_backend_call_duration_seconds_count{backend="catalog"',
      'longhaul_backend_call_duration_seconds_count{backend="state"',
      'longhaul_http_request_duration_seconds_count{method="POST",route="/v1/uploads",status="201"}',
    ])
      expect(figures, figure).toContain(figure);
    expect(await readFile(join(world.folder, 'api-keys'), 'utf8')).not.toContain(SECRETS.apiKey);
  });
});
