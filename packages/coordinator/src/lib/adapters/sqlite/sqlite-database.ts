import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

/** One connection to the file. Everything here is synchronous and throws what `node:sqlite` throws. */
export interface SqliteDatabase {
  /** First row, or `undefined`. */
  get<Row extends object>(sql: string, values?: SqlValues): Row | undefined;
  all<Row extends object>(sql: string, values?: SqlValues): Row[];
  run(sql: string, values?: SqlValues): void;
  /** {@link run}, and how many rows it changed. */
  change(sql: string, values?: SqlValues): number;
  /** Runs statements that take no values. */
  exec(sql: string): void;
  /** Runs the work in one write transaction: all of it or nothing. */
  write<Result>(work: () => Result): Result;
  /** Closes the connection; nothing happens when it is closed already. */
  close(): void;
}

/** Values of a statement by their names, which stand in it as `:name`. */
export type SqlValues = Readonly<Record<string, SQLInputValue>>;

/** Milliseconds since the Unix epoch, in every statement of {@link SqliteDatabase}: by SQLite's clock, or the caller's. */
export const CLOCK_MS = 'clock_ms()';

const SQLITE_CLOCK_MS = "CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER)";
const CALLERS_CLOCK_MS = 'CAST(longhaul_now_epoch_ms() AS INTEGER)';

// How long a process waits for another one that writes; also the longest that the event loop can stand still for it.
const BUSY_TIMEOUT_MS = 5000;
const BUSY_PAUSE_MS = 5;
const SQLITE_BUSY = 5;

/**
 * Opens the file, or makes it.
 *
 * @param nowEpochMs a clock instead of SQLite's
 */
export function openDatabase(path: string, nowEpochMs?: () => number): SqliteDatabase {
  const connection = connect(path);
  const clockMs = nowEpochMs ? CALLERS_CLOCK_MS : SQLITE_CLOCK_MS;
  if (nowEpochMs) connection.function('longhaul_now_epoch_ms', nowEpochMs);
  const timed = (sql: string): string => sql.replaceAll(CLOCK_MS, clockMs);
  const statements = new Map<string, StatementSync>();
  let closed = false;

  function statement(sql: string): StatementSync {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const prepared = connection.prepare(timed(sql));
    statements.set(sql, prepared);
    return prepared;
  }

  return {
    get: <Row extends object>(sql: string, values: SqlValues = {}) =>
      statement(sql).get(values) as Row | undefined,
    all: <Row extends object>(sql: string, values: SqlValues = {}) => statement(sql).all(values) as Row[],
    run: (sql, values = {}) => void statement(sql).run(values),
    change: (sql, values = {}) => Number(statement(sql).run(values).changes),
    exec: (sql) => connection.exec(timed(sql)),
    write: (work) => inWriteTransaction(connection, work),
    close() {
      if (closed) return;
      closed = true;
      connection.close();
    },
  };
}

function connect(path: string): DatabaseSync {
  const connection = new DatabaseSync(path);
  try {
    configure(connection);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function configure(connection: DatabaseSync): void {
  connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  switchToWal(connection);
  connection.exec('PRAGMA synchronous = FULL');
  connection.exec('PRAGMA foreign_keys = ON');
}

// Processes that switch a new file at the same moment get SQLITE_BUSY at once: here SQLite asks no busy handler,
// because waiting could deadlock. https://www.sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode
function switchToWal(connection: DatabaseSync): void {
  const giveUpAtMs = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      connection.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (!isBusy(error) || performance.now() > giveUpAtMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_PAUSE_MS);
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

// IMMEDIATE: a transaction that reads first and writes later fails at once when another process wrote in between,
// whatever the busy timeout says. https://www.sqlite.org/lang_transaction.html
function inWriteTransaction<Result>(connection: DatabaseSync, work: () => Result): Result {
  connection.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    connection.exec('COMMIT');
    return result;
  } catch (error) {
    rollBack(connection);
    throw error;
  }
}

function rollBack(connection: DatabaseSync): void {
  try {
    connection.exec('ROLLBACK');
  } catch {
    // A full disk and the like have rolled back already; the caller throws the first error, which is the one that tells.
  }
}
