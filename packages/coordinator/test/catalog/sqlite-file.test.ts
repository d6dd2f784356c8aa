import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exampleDraft } from '../../src/lib/testing/catalog.contract.ts';
import { openDatabase } from '../../src/lib/adapters/sqlite/sqlite-database.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import { expectStatusColumn } from './status-column.ts';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-sqlite-'));
  path = join(folder, 'longhaul.db');
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

it('shows other programs a status in the column of that name', async () => {
  const { catalog } = createSqliteStore({ path });
  await catalog.migrate();
  const other = new DatabaseSync(path);
  const select = other.prepare('SELECT status FROM nodes WHERE document_id = ?');
  await expectStatusColumn(catalog, async (uploadId) => select.get(uploadId)?.['status']);
  other.close();
  await catalog.close();
});

it('takes every time from the clock that it is given', async () => {
  let nowEpochMs = 1_000_000_000_000;
  const { catalog } = createSqliteStore({ path, nowEpochMs: () => nowEpochMs });
  await catalog.migrate();
  expect((await catalog.installation()).createdAtEpochMs).toBe(nowEpochMs);
  const { record } = await catalog.insert(exampleDraft({ idleLimitMs: 60_000, pendingLimitMs: 1000 }));
  expect(record).toMatchObject({ createdAtEpochMs: nowEpochMs, nextAttemptAtEpochMs: nowEpochMs + 1000 });
  expect(await catalog.claimDue({ bucket: 'media', limit: 1, leaseMs: 500 })).toEqual([]);
  nowEpochMs += 1000;
  expect(await catalog.claimDue({ bucket: 'media', limit: 1, leaseMs: 500 })).toHaveLength(1);
  expect(await catalog.claimDue({ bucket: 'media', limit: 1, leaseMs: 500 })).toEqual([]);
  nowEpochMs += 500;
  expect(await catalog.claimDue({ bucket: 'media', limit: 1, leaseMs: 500 })).toHaveLength(1);
  await catalog.beginAbort(record.uploadId, { to: 'EXPIRED', redriveAfterMs: 0 });
  await catalog.finishAbort(record.uploadId);
  const [claimed] = await catalog.outbox.claim({ limit: 1, leaseMs: 0 });
  expect(claimed?.event.time).toBe(new Date(nowEpochMs).toISOString());
  await catalog.close();
});

it('keeps uploads and parts when the file is opened again', async () => {
  const before = createSqliteStore({ path });
  await before.catalog.migrate();
  const { record } = await before.catalog.insert(exampleDraft());
  const opened = await before.catalog.saveMultipart(record.uploadId, { s3UploadId: 's3' });
  await before.state.record(record.uploadId, [{ partNumber: 1, sizeBytes: 5, etag: '"e"' }]);
  await before.state.close();

  const after = createSqliteStore({ path });
  await after.catalog.migrate();
  expect(await after.catalog.find(record.uploadId)).toEqual(opened);
  expect(await after.state.parts(record.uploadId)).toHaveLength(1);
  await after.catalog.close();
});

it('leaves a file alone that a newer version has migrated', async () => {
  const { catalog } = createSqliteStore({ path });
  await catalog.migrate();
  const other = new DatabaseSync(path);
  other.exec('INSERT INTO longhaul_migrations (version, applied_at) VALUES (99, 0)');
  other.close();
  await catalog.migrate();
  expect((await catalog.insert(exampleDraft())).kind).toBe('inserted');
  await catalog.close();
});

it('writes nothing of a report that breaks off in the middle', async () => {
  const { catalog, state } = createSqliteStore({ path });
  await catalog.migrate();
  const { record } = await catalog.insert(exampleDraft());
  await catalog.saveMultipart(record.uploadId, { s3UploadId: 's3' });
  const broken = { partNumber: 2, sizeBytes: Number.NaN, etag: '"e"' };
  const report = state.record(record.uploadId, [{ partNumber: 1, sizeBytes: 5, etag: '"e"' }, broken]);
  await expect(report).rejects.toMatchObject({ name: 'StateStoreError', cause: expect.anything() });
  expect(await state.parts(record.uploadId)).toEqual([]);
  expect((await catalog.insert(exampleDraft())).kind).toBe('inserted');
  await catalog.close();
});

it('writes what comes in one moment in one transaction', async () => {
  const database = openDatabase(path);
  database.exec('CREATE TABLE t (n INTEGER NOT NULL)');
  const other = new DatabaseSync(path);
  const seenByOthers: unknown[] = [];
  const add = (n: number): Promise<number> =>
    database.together(() => {
      database.write(() => database.run('INSERT INTO t VALUES (:n)', { n }));
      seenByOthers.push(other.prepare('SELECT count(*) AS n FROM t').get()?.['n']);
      return n;
    });
  expect(await Promise.all([add(1), add(2), add(3)])).toEqual([1, 2, 3]);
  expect(seenByOthers).toEqual([0, 0, 0]);
  expect(other.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 3 });

  const late = add(4);
  database.close();
  expect(await late).toBe(4);
  expect(other.prepare('SELECT count(*) AS n FROM t').get()).toEqual({ n: 4 });
  other.close();
});

it('lets one of them fail and writes the others', async () => {
  const { catalog } = createSqliteStore({ path });
  await catalog.migrate();
  const drafts = [exampleDraft(), exampleDraft({ idleLimitMs: Number.NaN }), exampleDraft()];
  const ends = await Promise.allSettled(drafts.map(async (draft) => await catalog.insert(draft)));
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const found = await Promise.all(drafts.map(async ({ uploadId }) => await catalog.find(uploadId)));
  expect(found.map((record) => record?.state)).toEqual(['PENDING', undefined, 'PENDING']);
  await catalog.close();
});

it('waits for another process that writes once for all that comes in one moment', async () => {
  const database = openDatabase(path);
  database.exec('CREATE TABLE t (n INTEGER NOT NULL); PRAGMA busy_timeout = 20');
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  let tries = 0;
  const add = (n: number): Promise<void> =>
    database.together(() => {
      tries += 1;
      database.write(() => database.run('INSERT INTO t VALUES (:n)', { n }));
    });
  const ends = await Promise.allSettled([add(1), add(2), add(3)]);
  expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(tries).toBe(0);
  other.exec('ROLLBACK');
  await add(4);
  expect(other.prepare('SELECT n FROM t').all()).toEqual([{ n: 4 }]);
  other.close();
  database.close();
});

it('says which file could not be opened', () => {
  const missing = join(folder, 'no-such-folder', 'longhaul.db');
  expect(() => createSqliteStore({ path: missing })).toThrow(
    expect.objectContaining({ name: 'CatalogError', message: expect.stringContaining(missing) }),
  );
});

it('says that a file is no database', async () => {
  await writeFile(path, 'a text that is no database, and longer than the header of one would be'.repeat(20));
  expect(() => createSqliteStore({ path })).toThrow(expect.objectContaining({ name: 'CatalogError' }));
});
