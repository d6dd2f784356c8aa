import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import postgres from 'postgres';
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
  const database = `e2e_${randomUUID().replaceAll('-', '')}`;
  const admin = postgres(postgresUrl ?? '', { max: 1 });
  await admin.unsafe(`CREATE DATABASE ${database}`);
  const url = new URL(postgresUrl ?? '');
  url.pathname = `/${database}`;
  const catalog = createPostgresCatalog({ sql: postgres(url.href, { max: 4, onnotice: () => undefined }) });
  const state = createRedisState({ redis: new Redis(redisUrl ?? '') });
  await catalog.migrate();
  return {
    catalog,
    state,
    async close() {
      await state.close();
      await catalog.close();
      await admin.unsafe(`DROP DATABASE ${database}`);
      await admin.end();
    },
  };
}
