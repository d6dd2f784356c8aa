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
  /**
   * Runs work that writes in one transaction with whatever else comes in the same moment, and resolves once that is on the
   * disk: a hundred changes wait for the disk once. Where one of them throws, each is run by itself.
   */
  together<Result>(work: () => Result): Promise<Result>;
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
  const group = createGroup((work) => inWriteTransaction(connection, work));
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
    write: (work) => (group.isCommitting() ? work() : inWriteTransaction(connection, work)),
    // Memory is no disk to wait for.
    together: async (work) => await (path === ':memory:' ? work() : group.join(work)),
    close() {
      if (closed) return;
      group.commit();
      closed = true;
      connection.close();
    },
  };
}

/** Work that waits to be committed together. */
interface Group {
  join<Result>(work: () => Result): Promise<Result>;
  /** Whether the work that runs now is in a transaction already. */
  isCommitting(): boolean;
  commit(): void;
}

interface Member {
  readonly run: () => void;
  readonly settle: () => void;
  readonly alone: () => void;
  readonly reject: (error: unknown) => void;
}

function createGroup(inTransaction: <Result>(work: () => Result) => Result): Group {
  let waiting: Member[] = [];
  let isCommitting = false;

  function commit(): void {
    const members = waiting;
    waiting = [];
    try {
      isCommitting = true;
      inTransaction(() => {
        for (const { run } of members) run();
      });
      isCommitting = false;
      for (const { settle } of members) settle();
    } catch (error) {
      isCommitting = false;
      // Nothing of it was written, and only one of them may be at fault; but another process that writes is in the way of
      // all, and was waited for already: once more for each would hold the event loop up as often.
      for (const { alone, reject } of members) {
        if (isBusy(error)) reject(error);
        else alone();
      }
    }
  }

  return {
    commit: () => void (waiting.length > 0 && commit()),
    isCommitting: () => isCommitting,
    join: (work) =>
      new Promise((resolve, reject) => {
        let result: ReturnType<typeof work>;
        const run = (): void => void (result = work());
        const settle = (): void => resolve(result);
        const alone = (): void => {
          try {
            run();
            settle();
          } catch (error) {
            reject(error);
          }
        };
        // After everything that has come in by now, so that it comes along.
        if (waiting.push({ run, settle, alone, reject }) === 1)
          setImmediate(() => waiting.length > 0 && commit());
      }),
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
