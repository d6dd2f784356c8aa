import type { OwnerQuota } from '../../ports/owner-quota.ts';
import { assertRoom, isLimited, type OwnerUsage, type Wanted } from '../owner-usage.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Call it in the transaction that takes the room. @throws QuotaExceededError */
export function assertOwnerRoom(
  database: SqliteDatabase,
  owner: string,
  quota: OwnerQuota,
  wanted: Wanted,
): void {
  assertRoom(usageOf(database, owner, quota), quota, wanted);
}

/** Counts an upload whose size is unknown as so many bytes. @throws QuotaExceededError */
export function reserve(
  database: SqliteDatabase,
  uploadId: string,
  sizeBytes: number,
  quota: OwnerQuota,
): void {
  if (!isLimited(quota)) return;
  database.write(() => {
    const row = database.get<{ owner: string; reserved_bytes: number }>(
      `SELECT owner, reserved_bytes FROM nodes
       WHERE document_id = :uploadId AND size_known = 0 AND reserved_bytes < :sizeBytes`,
      { uploadId, sizeBytes },
    );
    if (!row) return;
    assertOwnerRoom(database, row.owner, quota, { uploads: 0, bytes: sizeBytes - row.reserved_bytes });
    database.run('UPDATE nodes SET reserved_bytes = :sizeBytes WHERE document_id = :uploadId', {
      uploadId,
      sizeBytes,
    });
  });
}

// total() and not sum(): where that overflows it throws, and what is read as an integer must be a safe one.
function usageOf(database: SqliteDatabase, owner: string, { maxBytes }: OwnerQuota): OwnerUsage {
  const open = database.get<{ uploads: number; bytes: number }>(
    `SELECT count(*) AS uploads,
       total(CASE WHEN size_known = 1 OR upload_state = 'COMPLETING' THEN size_bytes ELSE reserved_bytes END) AS bytes
     FROM nodes
     WHERE owner = :owner AND upload_state IN ('PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING')`,
    { owner },
  );
  const stored =
    maxBytes === undefined
      ? undefined
      : database.get<{ bytes: number }>(
          "SELECT total(size_bytes) AS bytes FROM nodes WHERE owner = :owner AND upload_state = 'COMPLETED'",
          { owner },
        );
  return {
    open_uploads: open?.uploads ?? 0,
    open_bytes: open?.bytes ?? 0,
    stored_bytes: stored?.bytes ?? 0,
  };
}
