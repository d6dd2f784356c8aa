import { CatalogError, type InsertOutcome } from '../../ports/catalog.ts';
import type { UploadDraft } from '../../ports/upload-record.ts';
import { type DraftRow, draftRowOf, type NodeRow, recordOf } from '../node-row.ts';
import { COLUMNS } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** Inserts the draft, or finds the row that stands in its way. */
export function insert(database: SqliteDatabase, draft: UploadDraft): InsertOutcome {
  const row = draftRowOf(draft);
  return database.write(() => {
    const inserted = insertRow(database, row, draft.pendingLimitMs);
    if (inserted) return { kind: 'inserted', record: recordOf(inserted) };
    const repeated = findRepeated(database, row);
    if (repeated) return { kind: 'repeated', record: recordOf(repeated) };
    const open = findOpen(database, row);
    if (open) return { kind: 'open', record: recordOf(open) };
    throw new CatalogError(`upload ${draft.uploadId} was not inserted, and no other stands in its way`);
  });
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
