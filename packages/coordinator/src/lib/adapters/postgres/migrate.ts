import type { Sql, TransactionSql } from 'postgres';
import { nodes } from './migrations/001-nodes.ts';
import { outbox } from './migrations/002-outbox.ts';
import { checksumAlgorithm } from './migrations/003-checksum-algorithm.ts';
import { streams } from './migrations/004-streams.ts';
import { objectOptions } from './migrations/005-object-options.ts';
import { ownerQuotas } from './migrations/007-owner-quotas.ts';
import { completingSince } from './migrations/008-completing-since.ts';
import { rotations } from './migrations/009-rotations.ts';

// Version n is the n-th entry. Only ever append: what has run somewhere is not edited. Files have the numbers that they have for
// SQLite, whose 006 has no counterpart here.
const MIGRATIONS: readonly string[] = [
  nodes,
  outbox,
  checksumAlgorithm,
  streams,
  objectOptions,
  ownerQuotas,
  completingSince,
  rotations,
];

/** Version of a schema that is up to date for this program. */
export const NEWEST_MIGRATION: number = MIGRATIONS.length;

// Any number that nobody else locks in this database: the first 8 bytes of SHA-256 of `longhaul.migrations`.
const LOCK_ID = '-3455562723943042832';

/** Runs what has not run yet, in one transaction, under a lock that the transaction's end frees. */
export async function migrate(sql: Sql): Promise<void> {
  await sql.begin(async (transaction) => {
    await transaction`select pg_advisory_xact_lock(${LOCK_ID}::bigint)`;
    const applied = await appliedVersion(transaction);
    // A newer program may have been here before: its versions stay, and nothing runs.
    for (const [index, statements] of MIGRATIONS.entries()) {
      if (index < applied) continue;
      await transaction.unsafe(statements);
      await transaction`insert into longhaul_migrations (version) values (${index + 1})`;
    }
  });
}

async function appliedVersion(transaction: TransactionSql): Promise<number> {
  // Not `if not exists`: that raises a notice each time, and the driver prints notices.
  const [found] = await transaction`
    select 1 from pg_catalog.pg_tables
    where schemaname = current_schema() and tablename = 'longhaul_migrations'`;
  if (!found) {
    await transaction`
      create table longhaul_migrations (
        version integer primary key,
        applied_at timestamptz not null default clock_timestamp()
      )`;
  }
  const [newest] = await transaction<{ version: number }[]>`
    select coalesce(max(version), 0)::int as version from longhaul_migrations`;
  return newest?.version ?? 0;
}
