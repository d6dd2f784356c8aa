import { randomUUID } from 'node:crypto';
import postgres, { type Options, type PostgresType, type Sql } from 'postgres';

/** A schema of its own, so that test files can run side by side in one database. */
export interface TestSchema {
  /** A client whose tables are in the schema, with at most two connections. */
  connect(options?: Options<Record<string, PostgresType>>): Sql;
  drop(): Promise<void>;
}

export async function createSchema(url: string): Promise<TestSchema> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const admin = postgres(url, { max: 1, onnotice: () => undefined });
  await admin`create schema ${admin(name)}`;
  return {
    connect: (options) => postgres(url, { max: 2, connection: { search_path: name }, ...options }),
    async drop() {
      await admin`drop schema ${admin(name)} cascade`;
      await admin.end();
    },
  };
}
