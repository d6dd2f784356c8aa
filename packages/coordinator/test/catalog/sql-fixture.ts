import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { nodes as postgresVersion1 } from '../../src/lib/adapters/postgres/migrations/001-nodes.ts';
import { nodes as sqliteVersion1 } from '../../src/lib/adapters/sqlite/migrations/001-nodes.ts';
import type { CatalogFixture } from '../../src/lib/testing/catalog.contract.ts';
import { createPostgresCatalog } from '../../src/postgres.ts';
import { createSqliteStore } from '../../src/sqlite.ts';
import { createSchema } from './postgres-schema.ts';

/** A database of which the tests see more than a catalog shows. */
export interface SqlFixture extends CatalogFixture {
  /** Runs one statement, as another program would. */
  query(statement: string): Promise<readonly Record<string, unknown>[]>;
  /** Makes the tables of the first version, as its migration left them. */
  createVersion1(): Promise<void>;
  /** SQL of a time so far from now. */
  time(fromNowMs?: number): string;
  /** SQL of how many milliseconds passed between the epoch and a time. */
  epochMs(time: string): string;
}

/** An empty SQLite file. */
export async function createSqliteFile(): Promise<SqlFixture> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-tables-'));
  const path = join(folder, 'longhaul.db');
  const database = new DatabaseSync(path, { timeout: 5000 });
  return {
    open: () => createSqliteStore({ path }).catalog,
    query: async (statement) => database.prepare(statement).all(),
    async createVersion1() {
      database.exec(`
        PRAGMA journal_mode = WAL;
        CREATE TABLE longhaul_migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT;
        ${sqliteVersion1}
        INSERT INTO longhaul_migrations (version, applied_at) VALUES (1, 1700000000000);`);
    },
    time: (fromNowMs = 0) => `CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) + ${fromNowMs}`,
    epochMs: (time) => time,
    async dispose() {
      database.close();
      await rm(folder, { recursive: true });
    },
  };
}

/** An empty schema of a Postgres database. */
export async function createPostgresSchema(url: string): Promise<SqlFixture> {
  const schema = await createSchema(url);
  const sql = schema.connect();
  return {
    open: () => createPostgresCatalog({ sql: schema.connect() }),
    query: async (statement) => await sql.unsafe(statement),
    async createVersion1() {
      await sql.unsafe(`
        create table longhaul_migrations (
          version integer primary key,
          applied_at timestamptz not null default clock_timestamp()
        );
        ${postgresVersion1}
        insert into longhaul_migrations (version, applied_at) values (1, to_timestamp(1700000000));`);
    },
    time: (fromNowMs = 0) => `clock_timestamp() + ${fromNowMs} * interval '1 millisecond'`,
    epochMs: (time) => `floor(extract(epoch from ${time}) * 1000)::float8`,
    async dispose() {
      await sql.end();
      await schema.drop();
    },
  };
}
