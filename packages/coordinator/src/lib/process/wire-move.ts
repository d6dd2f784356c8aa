import { openSqliteMove } from '../adapters/sqlite/move-source.ts';
import { createSqliteStore } from '../adapters/sqlite/sqlite-store.ts';
import type { MoveSource, MoveTarget } from '../ports/catalog-move.ts';
import type { Secret } from '../secret.ts';
import { loadDriver } from './load-driver.ts';
import { POSTGRES_PATIENCE } from './wire.ts';

/** Opens a SQLite file to move it, once its schema is up to date. */
export async function wireMoveSource(path: string, whileServing: boolean): Promise<MoveSource> {
  const { catalog } = createSqliteStore({ path });
  try {
    await catalog.migrate();
  } finally {
    await catalog.close();
  }
  return openSqliteMove({ path, whileServing });
}

/** Connects the catalog that takes what is moved. */
export async function wireMoveTarget(databaseUrl: Secret): Promise<MoveTarget> {
  const [{ default: postgres }, { createPostgresMove }] = await Promise.all([
    loadDriver('postgres', 'LONGHAUL_DATABASE_URL', () => import('postgres')),
    import('../adapters/postgres/move-target.ts'),
  ]);
  return createPostgresMove({ sql: postgres(databaseUrl.reveal(), { ...POSTGRES_PATIENCE, max: 1 }) });
}
