import { DatabaseSync } from 'node:sqlite';
import { CatalogError } from '../../ports/catalog.ts';
import {
  type MovedKind,
  type MovedRow,
  MoveRefusedError,
  type MoveSource,
} from '../../ports/catalog-move.ts';
import { NEWEST_MIGRATION } from './migrate.ts';

/** Options of {@link openSqliteMove}. */
export interface SqliteMoveOptions {
  /** A file that is there, with an up-to-date schema. */
  readonly path: string;
  /** Read it although others have it open; what they write meanwhile is not seen. */
  readonly whileServing: boolean;
}

/**
 * Everything in a SQLite file, as it is now. Nobody else can open the file until `close`, unless it is read while serving.
 *
 * @throws MoveRefusedError when another process has the file open, or a newer version has made its tables
 * @throws CatalogError when it cannot be read
 */
export function openSqliteMove({ path, whileServing }: SqliteMoveOptions): MoveSource {
  const connection = new DatabaseSync(path);
  try {
    beginSnapshot(connection, path, whileServing);
    return readSnapshot(connection, path);
  } catch (cause) {
    connection.close();
    if (cause instanceof MoveRefusedError) throw cause;
    throw new CatalogError(`the SQLite file ${path} could not be read`, { cause });
  }
}

// Somebody who stops lets go of the file within this time.
const BUSY_TIMEOUT_MS = 2000;
const SQLITE_BUSY = 5;

// In WAL mode a process holds a shared lock on the file as long as it has it open. Exclusive locking, asked for before the
// first read, takes the whole file or nothing. https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory
function beginSnapshot(connection: DatabaseSync, path: string, whileServing: boolean): void {
  connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  if (whileServing) return connection.exec('BEGIN');
  connection.exec('PRAGMA locking_mode = EXCLUSIVE');
  try {
    connection.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    if ((error as { errcode?: unknown }).errcode !== SQLITE_BUSY) throw error;
    throw new MoveRefusedError(
      `another process has ${path} open: what it does from now on would be lost. Stop it (serve, and what runs from ` +
        'cron), or rehearse with --while-serving.',
    );
  }
}

// Whose process has a row now, and when hot state saw it last: neither outlives the processes that are stopped.
const LEFT_BEHIND = ['claimed_until', 'last_active_at'];

const TABLES: Readonly<Record<MovedKind, { readonly name: string; readonly rest: string }>> = {
  nodes: { name: 'nodes', rest: '' },
  rotations: { name: 'rotations', rest: '' },
  events: { name: 'outbox', rest: 'ORDER BY seq' },
  parts: {
    name: 'parts',
    rest: `JOIN nodes USING (document_id) WHERE upload_state IN ('PENDING', 'UPLOADING', 'COMPLETING')
      ORDER BY document_id, part_number`,
  },
};

function readSnapshot(connection: DatabaseSync, path: string): MoveSource {
  const first = <Row>(sql: string): Row | undefined => connection.prepare(sql).get() as Row | undefined;
  const countOf = (kind: MovedKind): number =>
    first<{ count: number }>(`SELECT count(*) AS count FROM ${TABLES[kind].name} ${TABLES[kind].rest}`)
      ?.count ?? 0;

  assertKnown(first('SELECT max(version) AS version FROM longhaul_migrations'), path);
  const found = first<{ id: string; created_at: number }>(
    'SELECT installation_id AS id, created_at FROM longhaul_installation',
  );
  if (!found) throw new CatalogError(`the SQLite file ${path} has no installation id: its table was emptied`);
  return {
    installation: { installationId: found.id, createdAtEpochMs: found.created_at },
    counts: {
      nodes: countOf('nodes'),
      rotations: countOf('rotations'),
      events: countOf('events'),
      parts: countOf('parts'),
    },
    rows(kind) {
      const { name, rest } = TABLES[kind];
      const statement = connection.prepare(`SELECT ${columnsOf(connection, name)} FROM ${name} ${rest}`);
      return statement.iterate() as Iterable<MovedRow>;
    },
    close: () => connection.close(),
  };
}

/** Those that were written, by the names of the table as it is: a migration adds some without asking here. */
function columnsOf(connection: DatabaseSync, table: string): string {
  const columns = connection
    .prepare(`SELECT name FROM pragma_table_xinfo('${table}') WHERE hidden = 0`)
    .all();
  return columns
    .map(({ name }) => String(name))
    .filter((name) => !LEFT_BEHIND.includes(name))
    .map((name) => `${table}.${name}`)
    .join(', ');
}

/** What a newer version keeps, in tables that nobody knows here, would be left behind. */
function assertKnown(found: { readonly version: number } | undefined, path: string): void {
  if (found && found.version <= NEWEST_MIGRATION) return;
  throw new MoveRefusedError(
    `a newer version has made the tables of ${path}: export with that version, or a later one.`,
  );
}
