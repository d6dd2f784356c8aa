import { KeyVaultError, type SealedKeyStore } from '../../ports/key-vault.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** Sealed keys in an open file. What is over is removed with the next key that comes. */
export function createSqliteSealedKeys(database: SqliteDatabase): SealedKeyStore {
  return {
    write: (uploadId, sealed, ttlSeconds) =>
      attempt('keep a sealed key', () =>
        database.write(() => {
          database.run(`DELETE FROM sealed_keys WHERE expires_at <= ${CLOCK_MS}`);
          database.run(WRITE, { uploadId, sealed, ttlMs: ttlSeconds * 1000 });
        }),
      ),
    read: (uploadId, ttlSeconds) =>
      attempt('read a sealed key', () => {
        const values = { uploadId, ttlMs: ttlSeconds * 1000 };
        return database.write(() => database.get<{ sealed: string }>(RENEW, values))?.sealed;
      }),
    remove: (uploadId) =>
      attempt('remove a sealed key', () =>
        database.write(() =>
          database.run('DELETE FROM sealed_keys WHERE document_id = :uploadId', { uploadId }),
        ),
      ),
  };
}

const WRITE = `INSERT INTO sealed_keys (document_id, sealed, expires_at)
  VALUES (:uploadId, :sealed, ${CLOCK_MS} + :ttlMs)
  ON CONFLICT DO UPDATE SET sealed = excluded.sealed, expires_at = excluded.expires_at`;

const RENEW = `UPDATE sealed_keys SET expires_at = ${CLOCK_MS} + :ttlMs
  WHERE document_id = :uploadId AND expires_at > ${CLOCK_MS} RETURNING sealed`;

async function attempt<Result>(deed: string, work: () => Result): Promise<Result> {
  try {
    return work();
  } catch (cause) {
    throw new KeyVaultError('unreachable', `the SQLite file could not ${deed}`, { cause });
  }
}
