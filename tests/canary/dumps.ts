import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Sql } from 'postgres';
import type { Haystack } from './scan.ts';

/** Every key of a Redis and what it holds. */
export async function dumpRedis(url: string): Promise<Haystack> {
  const redis = new Redis(url);
  const texts: string[] = [];
  for (const key of await redis.keys('*')) {
    const kind = await redis.type(key);
    const value =
      kind === 'hash' ? await redis.hgetall(key) : kind === 'string' ? await redis.get(key) : undefined;
    // What is not known how to read is read as Redis keeps it.
    texts.push(key, JSON.stringify(value), readable((await redis.dumpBuffer(key)) ?? Buffer.of()));
  }
  await redis.quit();
  return { name: 'Redis', text: texts.join('\n') };
}

/** Every row of every table. */
export async function dumpPostgres(sql: Sql): Promise<Haystack> {
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_catalog.pg_tables where schemaname = 'public'`;
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`select row_to_json(t)::text as row from ${sql(name)} as t`;
    texts.push(name, ...rows.map(({ row }) => row));
  }
  return { name: 'Postgres', text: texts.join('\n') };
}

/** Every byte of every file below a folder, but of those named. */
export async function dumpFolder(folder: string, but: readonly string[]): Promise<readonly Haystack[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return await Promise.all(
    entries
      .filter((entry) => entry.isFile() && !but.includes(entry.name))
      .map(async (entry) => ({
        name: `the file ${entry.name}`,
        text: readable(await readFile(join(entry.parentPath, entry.name))),
      })),
  );
}

/** Bytes as a text that shows ASCII and UTF-8 wherever they stand among others. */
function readable(bytes: Buffer): string {
  return `${bytes.toString('latin1')}\n${bytes.toString('utf8')}`;
}
