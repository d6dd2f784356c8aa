import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import postgres, { type Sql } from 'postgres';
import type { Catalog, StateStore } from '@longhaul/coordinator';
import { createPostgresCatalog } from '@longhaul/coordinator/postgres';
import { createRedisState } from '@longhaul/coordinator/redis';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';

/** Where a coordinator remembers uploads. */
export interface TestMemory {
  readonly catalog: Catalog;
  readonly state: StateStore;
  close(): Promise<void>;
}

export interface MemoryKind {
  readonly name: string;
  /** Why it cannot be used here; `undefined` when it can. */
  readonly missing: string | undefined;
  open(): Promise<TestMemory>;
}

const { LONGHAUL_TEST_POSTGRES_URL: postgresUrl, LONGHAUL_TEST_REDIS_URL: redisUrl } = process.env;

/** One machine, and many. */
export const MEMORIES: readonly MemoryKind[] = [
  { name: 'SQLite', missing: undefined, open: openSqlite },
  {
    name: 'Postgres and Redis',
    missing:
      postgresUrl && redisUrl ? undefined : 'needs LONGHAUL_TEST_POSTGRES_URL and LONGHAUL_TEST_REDIS_URL',
    open: openServers,
  },
];

async function openSqlite(): Promise<TestMemory> {
  const { catalog, state } = createSqliteStore({ path: ':memory:' });
  await catalog.migrate();
  return { catalog, state, close: () => catalog.close() };
}

async function openServers(): Promise<TestMemory> {
  const database = await createDatabase();
  const memory = await database.connect();
  return {
    ...memory,
    async close() {
      await memory.close();
      await database.drop();
    },
  };
}

/** A database of its own on the real Postgres, to which any number of coordinators connect. */
export interface TestDatabase {
  readonly url: string;
  /** For looking at rows, and for making their time pass. */
  readonly sql: Sql;
  /** Connections of its own to this database and to the real Redis, as a replica has them. */
  connect(): Promise<TestMemory>;
  drop(): Promise<void>;
}

export async function createDatabase(): Promise<TestDatabase> {
  const name = `e2e_${randomUUID().replaceAll('-', '')}`;
  const admin = postgres(postgresUrl ?? '', { max: 1 });
  await admin.unsafe(`CREATE DATABASE ${name}`);
  const url = new URL(postgresUrl ?? '');
  url.pathname = `/${name}`;
  const open = (max: number): Sql => postgres(url.href, { max, onnotice: () => undefined });
  const sql = open(2);
  return {
    url: url.href,
    sql,
    async connect() {
      const catalog = createPostgresCatalog({ sql: open(4) });
      const state = createRedisState({ redis: new Redis(redisUrl ?? '') });
      await catalog.migrate();
      return {
        catalog,
        state,
        async close() {
          await state.close();
          await catalog.close();
        },
      };
    },
    async drop() {
      await sql.end();
      await admin.unsafe(`DROP DATABASE ${name}`);
      await admin.end();
    },
  };
}
