import { randomBytes, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CreateBucketCommand, GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Redis } from 'ioredis';
import type { Sql } from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type CompleteResponse,
  type CreateUploadResponse,
  type PartsRequest,
  type PartsResponse,
  TOKEN_HEADER,
} from '@longhaul/protocol';
import { createSchema, type TestSchema } from '../catalog/postgres-schema.ts';
import { sealed, unsealed } from './move-files.ts';
import { type CoordinatorProcess, openWorld, type ProcessWorld } from './process-world.ts';
import { openWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts';

const {
  LONGHAUL_TEST_POSTGRES_URL: postgresUrl = '',
  LONGHAUL_TEST_REDIS_URL: redisUrl = '',
  LONGHAUL_TEST_VERSITYGW_URL: endpoint = '',
  LONGHAUL_TEST_VERSITYGW_ACCESS_KEY_ID: accessKeyId = '',
  LONGHAUL_TEST_VERSITYGW_SECRET_ACCESS_KEY: secretAccessKey = '',
} = process.env;
const isThere = postgresUrl !== '' && redisUrl !== '' && endpoint !== '';
const NEEDS = ' (needs LONGHAUL_TEST_POSTGRES_URL, LONGHAUL_TEST_REDIS_URL, LONGHAUL_TEST_VERSITYGW_URL)';

const PART_BYTES = 5 * 1024 ** 2;
const TOKEN_KEY = 'a key for tests that is long enough';

describe.skipIf(!isThere)(`Moving house from SQLite to Postgres and Redis${isThere ? '' : NEEDS}`, () => {
  let world: ProcessWorld;
  let receiver: WebhookReceiver;
  let schema: TestSchema;
  let sql: Sql;
  let redis: Redis;
  let s3: S3Client;
  let atStore: Record<string, string>;
  let oldPlace: Record<string, string>;
  let newPlace: Record<string, string>;

  beforeEach(async () => {
    world = await openWorld();
    receiver = await openWebhookReceiver();
    schema = await createSchema(postgresUrl);
    sql = schema.connect();
    redis = new Redis(redisUrl);
    s3 = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    const bucket = `move-${randomUUID()}`;
    await s3.send(new CreateBucketCommand({ Bucket: bucket }));
    const [{ schema: name } = { schema: '' }] = await sql<
      { schema: string }[]
    >`select current_schema() as schema`;
    atStore = {
      S3_BUCKET: bucket,
      S3_ENDPOINT: endpoint,
      S3_PROFILE: 'versitygw',
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      LONGHAUL_BACKGROUND_WORK: 'false',
      LONGHAUL_WEBHOOK_URL: receiver.url,
      LONGHAUL_WEBHOOK_SECRET: `whsec_${Buffer.from('secret-secret-secret-1234').toString('base64')}`,
    };
    oldPlace = { ...atStore, LONGHAUL_TOKEN_KEYS: TOKEN_KEY };
    newPlace = {
      ...oldPlace,
      LONGHAUL_DATABASE_URL: `${postgresUrl}?search_path=${name}`,
      LONGHAUL_REDIS_URL: redisUrl,
      LONGHAUL_TOKEN_KEYS: `another key that is newer and long enough,${TOKEN_KEY}`,
    };
  });
  afterEach(async () => {
    await world.close();
    await receiver.close();
    await sql.end();
    await schema.drop();
    redis.disconnect();
    s3.destroy();
  });

  async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
    const { ended, said } = world.run(args, env);
    return { status: await ended, ...said };
  }

  async function runJson<Answer>(args: readonly string[], env: Readonly<Record<string, string>>) {
    const { status, stdout, stderr } = await run([...args, '--json'], env);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout) as Answer;
  }

  async function stop(server: CoordinatorProcess): Promise<void> {
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
  }

  /** The order of the outbox at the old place. */
  function eventsBefore(): string[] {
    const database = new DatabaseSync(join(world.folder, 'longhaul.sqlite'));
    const rows = database.prepare('SELECT event_id FROM outbox ORDER BY seq').all();
    database.close();
    return rows.map(({ event_id }) => String(event_id));
  }

  it('carries open uploads, complete ones and events, once', async () => {
    const content = randomBytes(3 * PART_BYTES - 7);
    const before = world.run(['serve'], oldPlace);
    const oldUrl = await before.listening();
    const open = await create(oldUrl, {
      sizeBytes: content.byteLength,
      mode: 'multipart',
      partSizeBytes: PART_BYTES,
    });
    await sendParts(oldUrl, open, content, [1, 3]);
    const done = [await create(oldUrl, INLINE), await create(oldUrl, INLINE), await create(oldUrl, INLINE)];
    expect(await runJson(['relay', '--limit', '1'], oldPlace)).toMatchObject({ sent: 1 });
    const inOrder = eventsBefore();

    const busy = await run(['export', 'moved.ndjson'], oldPlace);
    expect(busy).toMatchObject({ status: 1, stderr: expect.stringContaining('another process has') });
    await stop(before);
    expect(await runJson(['export', 'moved.ndjson'], oldPlace)).toMatchObject({
      nodes: 4,
      openUploads: 1,
      parts: 2,
      events: 3,
      unsentEvents: 2,
    });

    const imported = {
      nodes: { taken: 4, there: 0 },
      rotations: { taken: 0, there: 0 },
      events: { taken: 3, there: 0 },
    };
    expect(await runJson(['import', 'moved.ndjson', '--dry-run'], newPlace)).toMatchObject(imported);
    expect(await sql`select 1 from nodes`).toHaveLength(0);
    expect(await runJson(['import', 'moved.ndjson'], newPlace)).toMatchObject({
      ...imported,
      restoredUploads: 1,
      restoredParts: 2,
    });
    // A listing of the store knows nothing of what a client has digested: hot state has to.
    expect(await redis.hkeys(`upload:{${open.uploadId}}:etags`)).toEqual(['1', '3']);
    expect(
      (await sql`select event_id::text from outbox order by seq`).map((row) => String(row['event_id'])),
    ).toEqual(inOrder);
    expect(await runJson(['import', 'moved.ndjson'], newPlace)).toMatchObject({
      nodes: { taken: 0, there: 4 },
      rotations: { taken: 0, there: 0 },
      events: { taken: 0, there: 3 },
    });

    const after = world.run(['serve'], newPlace);
    const newUrl = await after.listening();
    for (const upload of done) {
      expect(await create(newUrl, INLINE, upload.createId)).toMatchObject({
        uploadId: upload.uploadId,
        state: 'COMPLETED',
      });
    }
    const again = await create(
      newUrl,
      { sizeBytes: content.byteLength, mode: 'multipart', partSizeBytes: PART_BYTES },
      open.createId,
    );
    expect(again).toMatchObject({ uploadId: open.uploadId, resumed: true });
    expect(again.receivedParts.map(({ partNumber }) => partNumber)).toEqual([1, 3]);
    // The client's own token, which the old place has signed.
    await sendParts(newUrl, open, content, [2]);
    const completed = await call<CompleteResponse>(newUrl, open, 'complete');
    expect(completed).toMatchObject({ state: 'COMPLETED' });
    await stop(after);
    const Key = `connectors/default/${open.uploadId}`;
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: atStore['S3_BUCKET'], Key }));
    expect(content.equals(await Body!.transformToByteArray())).toBe(true);

    expect(await runJson(['relay'], newPlace)).toMatchObject({ sent: 3, retried: 0, parked: 0 });
    const told = receiver.events.map(({ id }) => id);
    expect(new Set(told).size).toBe(4);
    expect(told.slice(0, 3).toSorted()).toEqual(inOrder.toSorted());
    const sources = new Set(receiver.events.map(({ source }) => source));
    expect(sources.size).toBe(1);

    expect(await run(['import', 'moved.ndjson'], newPlace)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^Refused: \d row\(s\) of nodes are there with other content.*upload_state.*Nothing was changed/,
      ),
    });
  }, 120_000);

  it('changes nothing when it is refused', async () => {
    const before = world.run(['serve'], oldPlace);
    await create(await before.listening(), INLINE);
    await stop(before);
    expect(await run(['export', 'moved.ndjson'], oldPlace)).toMatchObject({ status: 0 });

    expect(
      await run(['import', 'moved.ndjson'], {
        ...newPlace,
        LONGHAUL_TOKEN_KEYS: 'quite another key that is long enough',
      }),
    ).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('1 of 1 token key(s)'),
    });
    const newer = join(world.folder, 'newer.ndjson');
    const { stdout: rows } = await run(['export', '-'], oldPlace);
    await writeFile(newer, withColumn(rows, 'of_the_future'));
    expect(await run(['import', 'newer.ndjson'], newPlace)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('the catalog here has no nodes.of_the_future'),
    });
    expect(await sql`select 1 from nodes`).toHaveLength(0);

    // Another installation lives here already.
    const stranger = world.run(['serve'], newPlace);
    await create(await stranger.listening(), INLINE);
    await stop(stranger);
    expect(await run(['import', 'moved.ndjson'], newPlace)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('uploads of another installation'),
    });
    expect(await sql`select 1 from nodes`).toHaveLength(1);
  }, 120_000);
});

const INLINE = { sizeBytes: 1, payload: 'eA==' };

interface Begun extends CreateUploadResponse {
  readonly createId: string;
}

async function create(url: string, request: object, createId: string = randomUUID()): Promise<Begun> {
  const body = JSON.stringify({ createId, name: 'film\u2028.mkv', ...request });
  const response = await fetch(`${url}/v1/uploads`, { method: 'POST', body });
  expect(response.ok).toBe(true);
  return { ...((await response.json()) as CreateUploadResponse), createId };
}

async function call<Answer>(
  url: string,
  { uploadId, token }: CreateUploadResponse,
  name: 'parts' | 'complete',
  body?: Partial<PartsRequest>,
): Promise<Answer> {
  const response = await fetch(`${url}/v1/uploads/${uploadId}/${name}`, {
    method: 'POST',
    headers: { [TOKEN_HEADER]: token },
    body: body ? JSON.stringify({ report: [], sign: [], ...body }) : null,
  });
  const text = await response.text();
  expect(response.status, text).toBe(200);
  return JSON.parse(text) as Answer;
}

async function sendParts(
  url: string,
  upload: CreateUploadResponse,
  content: Buffer,
  numbers: readonly number[],
): Promise<void> {
  const bytesOf = (partNumber: number): Buffer<ArrayBuffer> =>
    Buffer.from(content.subarray((partNumber - 1) * PART_BYTES, partNumber * PART_BYTES));
  const sign = numbers.map((partNumber) => ({ partNumber, sizeBytes: bytesOf(partNumber).byteLength }));
  const { grants } = await call<PartsResponse>(url, upload, 'parts', { sign });
  const report = await Promise.all(
    grants.map(async ({ partNumber, url: to, headers }) => {
      const body = bytesOf(partNumber);
      const response = await fetch(to, { method: 'PUT', headers, body });
      expect(response.status).toBe(200);
      return { partNumber, sizeBytes: body.byteLength, etag: response.headers.get('etag') ?? '' };
    }),
  );
  await call<PartsResponse>(url, upload, 'parts', { report });
}

/** What a version would write whose uploads have a column more. */
function withColumn(text: string, name: string): string {
  return sealed(
    unsealed(text).map((line) => {
      const value = JSON.parse(line) as { kind?: string; row?: object };
      return JSON.stringify(value.kind === 'nodes' ? { ...value, row: { ...value.row, [name]: 1 } } : value);
    }),
  );
}
