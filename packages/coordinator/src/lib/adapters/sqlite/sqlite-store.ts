import { type Catalog, CatalogError } from '../../ports/catalog.ts';
import type { SealedKeyStore } from '../../ports/key-vault.ts';
import type { StateStore } from '../../ports/state-store.ts';
import { createSqliteCatalog } from './sqlite-catalog.ts';
import { openDatabase, type SqliteDatabase } from './sqlite-database.ts';
import { createSqliteSealedKeys } from './sqlite-sealed-keys.ts';
import { createSqliteState } from './sqlite-state.ts';

/** Options of {@link createSqliteStore}. */
export interface SqliteStoreOptions {
  /** The file; made when it is not there, in a folder that is. `:memory:` lives as long as the process. */
  readonly path: string;
  /** Clock of every time that is written or compared, in whole milliseconds. Default: SQLite's own. */
  readonly nowEpochMs?: () => number;
}

/** Catalog, hot state and sealed keys in one file. */
export interface SqliteStore {
  readonly catalog: Catalog;
  readonly state: StateStore;
  /** For `createKeyVault`. */
  readonly sealedKeys: SealedKeyStore;
}

/**
 * Everything a coordinator on one machine remembers, in one SQLite file. Several processes of that machine may open it;
 * a network file system must not hold it, because its locks do not keep them apart.
 *
 * Call `catalog.migrate()` before anything else. Both halves share one connection: closing either closes it.
 * A call waits at most 5 s for another process that writes, and the process stands still meanwhile.
 *
 * @throws CatalogError when the file cannot be opened
 * @example const { catalog, state } = createSqliteStore({ path: 'longhaul.db' });
 */
export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const database = open(options);
  return {
    catalog: createSqliteCatalog(database),
    state: createSqliteState(database),
    sealedKeys: createSqliteSealedKeys(database),
  };
}

function open({ path, nowEpochMs }: SqliteStoreOptions): SqliteDatabase {
  try {
    return openDatabase(path, nowEpochMs);
  } catch (cause) {
    throw new CatalogError(
      `the SQLite file ${path} could not be opened: does its folder exist, may we write?`,
      {
        cause,
      },
    );
  }
}
