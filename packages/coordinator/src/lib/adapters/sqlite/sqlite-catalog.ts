import type { Catalog, UploadRecord } from '../../ports/catalog.ts';
import { type NodeRow, recordOf } from '../node-row.ts';
import { completionOf } from './completion.ts';
import { insert } from './insert.ts';
import { migrate } from './migrate.ts';
import { attempt, changeRow, COLUMNS, type Edit } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** The catalog over an open file. */
export function createSqliteCatalog(database: SqliteDatabase): Catalog {
  return {
    migrate: () => attempt('bring its schema up to date', () => migrate(database)),
    insert: (draft) => attempt('insert an upload', () => insert(database, draft)),
    find: (uploadId) => attempt('read an upload', () => find(database, uploadId)),
    ...movesOf(database),
    ...completionOf(database),
    recordGrant: (uploadId, { expiresInSeconds }) =>
      attempt('record a grant', () => recordGrant(database, uploadId, expiresInSeconds)),
    recordActivity: (uploadId) => attempt('record activity', () => recordActivity(database, uploadId)),
    ping: () => attempt('answer', () => database.run('SELECT 1')),
    close: () => attempt('close', () => database.close()),
  };
}

type Moves = Pick<Catalog, 'saveMultipart' | 'openWithoutMultipart' | 'beginAbort' | 'finishAbort'>;

function movesOf(database: SqliteDatabase): Moves {
  const change = (deed: string, uploadId: string, edit: Edit): Promise<UploadRecord | undefined> =>
    attempt(deed, () => changeRow(database, uploadId, edit));

  return {
    saveMultipart: (uploadId, { s3UploadId, mustFinishByEpochMs = null }) =>
      change('save a multipart id', uploadId, {
        set: "upload_state = 'UPLOADING', s3_upload_id = :s3UploadId, must_finish_by = :mustFinishByEpochMs",
        where: "upload_state = 'PENDING'",
        values: { s3UploadId, mustFinishByEpochMs },
      }),
    openWithoutMultipart: (uploadId) =>
      change('open an upload', uploadId, {
        set: "upload_state = 'UPLOADING'",
        where: "upload_state = 'PENDING'",
      }),
    beginAbort: (uploadId) =>
      change('begin an abort', uploadId, {
        set: "upload_state = 'ABORTING'",
        where: "upload_state IN ('PENDING', 'UPLOADING') AND complete_sent_at IS NULL",
      }),
    finishAbort: (uploadId) =>
      change('finish an abort', uploadId, {
        set: "upload_state = 'CANCELLED'",
        where: "upload_state = 'ABORTING'",
      }),
  };
}

function find(database: SqliteDatabase, uploadId: string): UploadRecord | undefined {
  const row = database.get<NodeRow>(`SELECT ${COLUMNS} FROM nodes WHERE document_id = :uploadId`, {
    uploadId,
  });
  return row && recordOf(row);
}

const FULL_SPAN = `${CLOCK_MS} + idle_limit_ms`;
const HALF_OF_SPAN_IS_GONE = `(expires_at - ${CLOCK_MS}) * 2 <= idle_limit_ms`;

// Written whatever the state is: a cancel that came first still has to wait for a URL that is being signed.
function recordGrant(database: SqliteDatabase, uploadId: string, expiresInSeconds: number): boolean {
  const row = database.write(() =>
    database.get<{ upload_state: string }>(
      `UPDATE nodes SET
         grants_expire_at = max(coalesce(grants_expire_at, 0), ${CLOCK_MS} + CAST(:expiresInSeconds * 1000 AS INTEGER)),
         expires_at = CASE WHEN upload_state = 'UPLOADING' AND ${HALF_OF_SPAN_IS_GONE} THEN ${FULL_SPAN} ELSE expires_at END
       WHERE document_id = :uploadId RETURNING upload_state`,
      { uploadId, expiresInSeconds },
    ),
  );
  return row?.upload_state === 'UPLOADING';
}

function recordActivity(database: SqliteDatabase, uploadId: string): void {
  const due = `document_id = :uploadId AND upload_state IN ('PENDING', 'UPLOADING') AND ${HALF_OF_SPAN_IS_GONE}`;
  // Asked first, because a read waits neither for other processes nor for the disk.
  if (!database.get(`SELECT 1 FROM nodes WHERE ${due}`, { uploadId })) return;
  database.write(() => database.run(`UPDATE nodes SET expires_at = ${FULL_SPAN} WHERE ${due}`, { uploadId }));
}
