import { nodes } from './migrations/001-nodes.ts';
import { outbox } from './migrations/002-outbox.ts';
import { checksumAlgorithm } from './migrations/003-checksum-algorithm.ts';
import { streams } from './migrations/004-streams.ts';
import { objectOptions } from './migrations/005-object-options.ts';
import { sealedKeys } from './migrations/006-sealed-keys.ts';
import { ownerQuotas } from './migrations/007-owner-quotas.ts';
import { completingSince } from './migrations/008-completing-since.ts';
import { rotations } from './migrations/009-rotations.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

// Version n is the n-th entry. Only ever append: what has run somewhere is not edited.
const MIGRATIONS: readonly string[] = [
  nodes,
  outbox,
  checksumAlgorithm,
  streams,
  objectOptions,
  sealedKeys,
  ownerQuotas,
  completingSince,
  rotations,
];

/** Version of a schema that is up to date for this program. */
export const NEWEST_MIGRATION: number = MIGRATIONS.length;

/** Runs what has not run yet, in one transaction; the write lock lets one process at a time do it. */
export function migrate(database: SqliteDatabase): void {
  database.write(() => {
    database.exec(
      'CREATE TABLE IF NOT EXISTS longhaul_migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT',
    );
    const applied = database.get<{ version: number }>(
      'SELECT coalesce(max(version), 0) AS version FROM longhaul_migrations',
    );
    // A newer program may have been here before: its versions stay, and nothing runs.
    for (let version = (applied?.version ?? 0) + 1; version <= MIGRATIONS.length; version += 1) {
      database.exec(MIGRATIONS[version - 1] ?? '');
      database.run(`INSERT INTO longhaul_migrations (version, applied_at) VALUES (:version, ${CLOCK_MS})`, {
        version,
      });
    }
  });
}
