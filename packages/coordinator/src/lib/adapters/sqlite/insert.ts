import { CatalogError, type InsertOutcome } from '../../ports/catalog.ts';
import { type OwnerQuota, QuotaExceededError } from '../../ports/owner-quota.ts';
import type { UploadDraft } from '../../ports/upload-record.ts';
import { type DraftRow, draftRowOf, type NodeRow, recordOf } from '../node-row.ts';
import { isLimited } from '../owner-usage.ts';
import { assertOwnerRoom } from './owner-quota.ts';
import { COLUMNS } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/**
 * Inserts the draft, or finds the row that stands in its way. A refusal is answered, not thrown: it must not make the
 * others of its transaction begin again.
 */
export function insert(
  database: SqliteDatabase,
  draft: UploadDraft,
  quota?: OwnerQuota,
): InsertOutcome | QuotaExceededError {
  const row = draftRowOf(draft);
  return database.write(() => {
    if (isLimited(quota)) {
      const there = findInTheWay(database, row);
      if (there) return there;
      const refusal = roomRefusal(database, row, quota);
      if (refusal) return refusal;
    }
    const inserted = insertRow(database, row, draft.pendingLimitMs);
    if (inserted) return { kind: 'inserted', record: recordOf(inserted) };
    const there = findInTheWay(database, row);
    if (there) return there;
    throw new CatalogError(`upload ${draft.uploadId} was not inserted, and no other stands in its way`);
  });
}

function findInTheWay(database: SqliteDatabase, row: DraftRow): InsertOutcome | undefined {
  const repeated = findRepeated(database, row);
  if (repeated) return { kind: 'repeated', record: recordOf(repeated) };
  const open = findOpen(database, row);
  return open && { kind: 'open', record: recordOf(open) };
}

function roomRefusal(
  database: SqliteDatabase,
  { owner, size_known, size_bytes }: DraftRow,
  quota: OwnerQuota,
): QuotaExceededError | undefined {
  try {
    assertOwnerRoom(database, owner, quota, { uploads: 1, bytes: size_known === 1 ? size_bytes : 0 });
    return undefined;
  } catch (error) {
    if (error instanceof QuotaExceededError) return error;
    throw error;
  }
}

function insertRow(database: SqliteDatabase, row: DraftRow, pendingLimitMs: number): NodeRow | undefined {
  const names = Object.keys(row);
  return database.get<NodeRow>(
    `INSERT INTO nodes (${names.join(', ')}, created_at, updated_at, expires_at, next_attempt_at)
     VALUES (${names.map((name) => `:${name}`).join(', ')}, 
       ${CLOCK_MS}, ${CLOCK_MS}, ${CLOCK_MS} + :idle_limit_ms, ${CLOCK_MS} + :pendingLimitMs)
     ON CONFLICT (owner, create_id) DO NOTHING
     ON CONFLICT (owner, resume_key) WHERE resume_key IS NOT NULL AND ${OPEN} DO NOTHING
     RETURNING ${COLUMNS}`,
    { ...row, pendingLimitMs },
  );
}

function findRepeated(database: SqliteDatabase, { owner, create_id }: DraftRow): NodeRow | undefined {
  return database.get<NodeRow>(
    `SELECT ${COLUMNS} FROM nodes WHERE owner = :owner AND create_id = :create_id`,
    { owner, create_id },
  );
}

function findOpen(database: SqliteDatabase, { owner, resume_key }: DraftRow): NodeRow | undefined {
  return database.get<NodeRow>(
    `SELECT ${COLUMNS} FROM nodes WHERE owner = :owner AND resume_key = :resume_key AND ${OPEN}`,
    { owner, resume_key },
  );
}

const OPEN = "upload_state IN ('PENDING', 'UPLOADING')";
