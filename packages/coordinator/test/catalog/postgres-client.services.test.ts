import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventsOf, exampleDraft } from '../../src/lib/testing/catalog-harness.ts';
import { createPostgresCatalog } from '../../src/postgres.ts';
import { createSchema, type TestSchema } from './postgres-schema.ts';
import { expectStatusColumn } from './status-column.ts';

const url = process.env['LONGHAUL_TEST_POSTGRES_URL'] ?? '';

describe.skipIf(!url)('Postgres clients (needs LONGHAUL_TEST_POSTGRES_URL)', () => {
  let schema: TestSchema;

  beforeAll(async () => {
    schema = await createSchema(url);
    const catalog = createPostgresCatalog({ sql: schema.connect() });
    await catalog.migrate();
    await catalog.close();
  });

  afterAll(() => schema.drop());

  it('shows other programs a status in the column of that name', async () => {
    const sql = schema.connect();
    const catalog = createPostgresCatalog({ sql });
    await expectStatusColumn(catalog, async (uploadId) => {
      const [row] = await sql`select status from nodes where document_id = ${uploadId}`;
      return row?.['status'];
    });
    await catalog.close();
  });

  it('reads the same whatever parsers the client has', async () => {
    const plain = createPostgresCatalog({ sql: schema.connect() });
    const text = { serialize: String, parse: (value: string) => value };
    const odd = schema.connect({
      types: {
        bigint: postgres.BigInt,
        date: { ...text, to: 1184, from: [1082, 1114, 1184] },
        json: { ...text, to: 114, from: [114, 3802] },
      },
    });
    const other = createPostgresCatalog({ sql: odd });
    const { record } = await other.insert(
      exampleDraft({ encryption: { mode: 'sse-s3' }, metadata: { a: '"\\' } }),
    );
    await other.saveMultipart(record.uploadId, { s3UploadId: 's3', mustFinishByEpochMs: 1_900_000_000_123 });
    await other.recordGrant(record.uploadId, { expiresInSeconds: 0.5 });
    const seen = await plain.find(record.uploadId);
    expect(seen).toMatchObject({ metadata: { a: '"\\' }, mustFinishByEpochMs: 1_900_000_000_123 });
    expect(await other.find(record.uploadId)).toEqual(seen);
    await other.beginAbort(record.uploadId, { to: 'EXPIRED', redriveAfterMs: 60_000 });
    await other.finishAbort(record.uploadId);
    const events = await eventsOf(other, record.uploadId);
    expect(events).toMatchObject([{ data: { metadata: { a: '"\\' } } }]);
    expect(await eventsOf(plain, record.uploadId)).toEqual(events);
    const { unsentCount, oldestUnsentAgeMs } = await other.outbox.status();
    expect([typeof unsentCount, typeof oldestUnsentAgeMs]).toEqual(['number', 'number']);
    expect(await other.installation()).toEqual(await plain.installation());
    await Promise.all([plain.close(), other.close()]);
  });

  it('leaves a schema alone that a newer version has migrated, and raises no notice', async () => {
    const notices: unknown[] = [];
    const sql = schema.connect({ onnotice: (notice) => notices.push(notice) });
    const catalog = createPostgresCatalog({ sql });
    await sql`insert into longhaul_migrations (version) values (99)`;
    await catalog.migrate();
    expect((await catalog.insert(exampleDraft())).kind).toBe('inserted');
    expect(notices).toEqual([]);
    await catalog.close();
  });

  it('leaves nothing behind when a migration breaks off', async () => {
    const other = await createSchema(url);
    const sql = other.connect();
    const catalog = createPostgresCatalog({ sql });
    await sql`create table nodes (in_the_way int)`;
    await expect(catalog.migrate()).rejects.toMatchObject({ name: 'CatalogError', cause: expect.anything() });
    await sql`drop table nodes`;
    await catalog.migrate();
    expect((await catalog.insert(exampleDraft())).kind).toBe('inserted');
    await catalog.close();
    await other.drop();
  });
});
