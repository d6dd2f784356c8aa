import {
  type Catalog,
  CatalogError,
  type CompletedObject,
  type InsertOutcome,
  type UploadDraft,
  type UploadRecord,
} from '../../ports/catalog.ts';
import { draftRowOf, type NodeRow, RECORD_COLUMNS, recordOf } from '../node-row.ts';
import { migrate } from './migrate.ts';
import { CLOCK_MS, type SqliteDatabase, type SqlValues } from './sqlite-database.ts';

const COLUMNS = RECORD_COLUMNS.join(', ');
const MOVE_EXPIRY = `expires_at = ${CLOCK_MS} + idle_limit_ms`;
const HALF_OF_SPAN_IS_GONE = `(expires_at - ${CLOCK_MS}) * 2 <= idle_limit_ms`;

/** The catalog over an open file. */
export function createSqliteCatalog(database: SqliteDatabase): Catalog {
  const change = (uploadId: string, edit: Edit): UploadRecord | undefined =>
    changeRow(database, uploadId, edit);

  return {
    migrate: () => attempt('bring its schema up to date', () => migrate(database)),
    insert: (draft) => attempt('insert an upload', () => insert(database, draft)),
    find: (uploadId) => attempt('read an upload', () => find(database, uploadId)),
    saveMultipart: (uploadId, { s3UploadId, mustFinishByEpochMs }) =>
      attempt('save a multipart id', () =>
        change(uploadId, {
          set: "upload_state = 'UPLOADING', s3_upload_id = :s3UploadId, must_finish_by = :mustFinishBy",
          where: "upload_state = 'PENDING'",
          values: { s3UploadId, mustFinishBy: mustFinishByEpochMs ?? null },
        }),
      ),
    openWithoutMultipart: (uploadId) =>
      attempt('open an upload', () =>
        change(uploadId, { set: "upload_state = 'UPLOADING'", where: "upload_state = 'PENDING'" }),
      ),
    recordGrant: (uploadId, { expiresInSeconds }) =>
      attempt('record a grant', () => recordGrant(database, uploadId, expiresInSeconds)),
    recordActivity: (uploadId) => attempt('record activity', () => recordActivity(database, uploadId)),
    beginAbort: (uploadId) =>
      attempt('begin an abort', () =>
        change(uploadId, {
          set: "upload_state = 'ABORTING'",
          where: "upload_state IN ('PENDING', 'UPLOADING') AND complete_sent_at IS NULL",
        }),
      ),
    finishAbort: (uploadId) =>
      attempt('finish an abort', () =>
        change(uploadId, { set: "upload_state = 'CANCELLED'", where: "upload_state = 'ABORTING'" }),
      ),
    ...completionOf(database),
    ping: () => attempt('answer', () => database.run('SELECT 1')),
    close: () => attempt('close', () => database.close()),
  };
}

type Completion = Pick<
  Catalog,
  'beginCompletion' | 'finishCompletion' | 'reopen' | 'noteError' | 'fail' | 'requestCancel'
>;

function completionOf(database: SqliteDatabase): Completion {
  const change = (uploadId: string, edit: Edit): UploadRecord | undefined =>
    changeRow(database, uploadId, edit);
  const changeAtEpoch = (uploadId: string, epoch: number, edit: Pick<Edit, 'set' | 'values'>) =>
    change(uploadId, {
      set: edit.set,
      where: "upload_state = 'COMPLETING' AND epoch = :epoch",
      values: { epoch, ...edit.values },
    });

  return {
    beginCompletion: (uploadId, { partsDigest, redriveAfterMs }) =>
      attempt('begin a completion', () =>
        change(uploadId, {
          set: `upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = :partsDigest,
            complete_sent_at = ${CLOCK_MS}, next_attempt_at = ${CLOCK_MS} + :redriveAfterMs`,
          where: `upload_state = 'UPLOADING' OR (upload_state = 'COMPLETING' AND next_attempt_at <= ${CLOCK_MS})`,
          values: { partsDigest, redriveAfterMs },
        }),
      ),
    finishCompletion: (uploadId, epoch, object) =>
      attempt('finish a completion', () =>
        changeAtEpoch(uploadId, epoch, {
          set: `upload_state = 'COMPLETED', s3_etag = :etag, s3_version_id = :versionId, proof = :proof,
            completed_at = ${CLOCK_MS}, next_attempt_at = NULL, last_error = NULL`,
          values: objectValues(object),
        }),
      ),
    reopen: (uploadId, epoch, lastError) =>
      attempt('reopen an upload', () =>
        changeAtEpoch(uploadId, epoch, { set: REOPEN, values: { lastError } }),
      ),
    noteError: (uploadId, epoch, lastError) =>
      attempt('note an error', () => {
        changeAtEpoch(uploadId, epoch, { set: 'last_error = :lastError', values: { lastError } });
      }),
    fail: (uploadId, epoch, lastError) =>
      attempt('fail an upload', () =>
        changeAtEpoch(uploadId, epoch, {
          set: "upload_state = 'FAILED', last_error = :lastError, next_attempt_at = NULL",
          values: { lastError },
        }),
      ),
    requestCancel: (uploadId) =>
      attempt('remember a cancel', () => {
        change(uploadId, { set: 'cancel_requested = 1', where: "upload_state = 'COMPLETING'" });
      }),
  };
}

// Another upload of the same content may have been opened while this one was completing: it keeps the resume key.
const REOPEN = `upload_state = 'UPLOADING', last_error = :lastError,
  complete_sent_at = NULL, next_attempt_at = NULL, parts_digest = NULL,
  expires_at = max(expires_at, ${CLOCK_MS} + idle_limit_ms),
  resume_key = CASE WHEN EXISTS (
    SELECT 1 FROM nodes AS other
    WHERE other.owner = nodes.owner AND other.resume_key = nodes.resume_key
      AND other.upload_state IN ('PENDING', 'UPLOADING')
  ) THEN NULL ELSE resume_key END`;

interface Edit {
  readonly set: string;
  readonly where: string;
  readonly values?: SqlValues;
}

function changeRow(database: SqliteDatabase, uploadId: string, edit: Edit): UploadRecord | undefined {
  const row = database.write(() =>
    database.get<NodeRow>(
      `UPDATE nodes SET ${edit.set}, updated_at = ${CLOCK_MS}
       WHERE document_id = :uploadId AND (${edit.where}) RETURNING ${COLUMNS}`,
      { uploadId, ...edit.values },
    ),
  );
  return row && recordOf(row);
}

function insert(database: SqliteDatabase, draft: UploadDraft): InsertOutcome {
  const row = draftRowOf(draft);
  const names = Object.keys(row);
  return database.write(() => {
    const inserted = database.get<NodeRow>(
      `INSERT INTO nodes (${names.join(', ')}, created_at, updated_at, expires_at)
       VALUES (${names.map((name) => `:${name}`).join(', ')}, ${CLOCK_MS}, ${CLOCK_MS}, ${CLOCK_MS} + :idle_limit_ms)
       ON CONFLICT (owner, create_id) DO NOTHING
       ON CONFLICT (owner, resume_key) WHERE resume_key IS NOT NULL AND upload_state IN ('PENDING', 'UPLOADING') DO NOTHING
       RETURNING ${COLUMNS}`,
      row,
    );
    if (inserted) return { kind: 'inserted', record: recordOf(inserted) };
    return winnerOver(database, draft, row.resume_key);
  });
}

function winnerOver(database: SqliteDatabase, draft: UploadDraft, resumeKey: string | null): InsertOutcome {
  const repeated = database.get<NodeRow>(
    `SELECT ${COLUMNS} FROM nodes WHERE owner = :owner AND create_id = :createId`,
    { owner: draft.owner, createId: draft.createId },
  );
  if (repeated) return { kind: 'repeated', record: recordOf(repeated) };
  const open = database.get<NodeRow>(
    `SELECT ${COLUMNS} FROM nodes
     WHERE owner = :owner AND resume_key = :resumeKey AND upload_state IN ('PENDING', 'UPLOADING')`,
    { owner: draft.owner, resumeKey },
  );
  if (open) return { kind: 'open', record: recordOf(open) };
  throw new CatalogError(`upload ${draft.uploadId} was not inserted, and no other stands in its way`);
}

function find(database: SqliteDatabase, uploadId: string): UploadRecord | undefined {
  const row = database.get<NodeRow>(`SELECT ${COLUMNS} FROM nodes WHERE document_id = :uploadId`, {
    uploadId,
  });
  return row && recordOf(row);
}

// Written whatever the state is: a cancel that came first still has to wait for a URL that is being signed.
function recordGrant(database: SqliteDatabase, uploadId: string, expiresInSeconds: number): boolean {
  const row = database.write(() =>
    database.get<{ upload_state: string }>(
      `UPDATE nodes SET
         grants_expire_at = max(coalesce(grants_expire_at, 0), ${CLOCK_MS} + CAST(:expiresInSeconds * 1000 AS INTEGER)),
         expires_at = CASE WHEN upload_state = 'UPLOADING' AND ${HALF_OF_SPAN_IS_GONE}
           THEN ${CLOCK_MS} + idle_limit_ms ELSE expires_at END
       WHERE document_id = :uploadId RETURNING upload_state`,
      { uploadId, expiresInSeconds },
    ),
  );
  return row?.upload_state === 'UPLOADING';
}

function recordActivity(database: SqliteDatabase, uploadId: string): void {
  const due = `document_id = :uploadId AND upload_state IN ('PENDING', 'UPLOADING') AND ${HALF_OF_SPAN_IS_GONE}`;
  // Asked first, because a read neither waits for other processes nor for the disk.
  if (!database.get(`SELECT 1 FROM nodes WHERE ${due}`, { uploadId })) return;
  database.write(() => database.run(`UPDATE nodes SET ${MOVE_EXPIRY} WHERE ${due}`, { uploadId }));
}

function objectValues({ etag, versionId, proof }: CompletedObject): Record<string, string | null> {
  return { etag, versionId: versionId ?? null, proof };
}

async function attempt<Result>(deed: string, work: () => Result): Promise<Result> {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CatalogError) throw cause;
    throw new CatalogError(`the SQLite catalog could not ${deed}`, { cause });
  }
}
