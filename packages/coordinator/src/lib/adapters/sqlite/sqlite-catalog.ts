import { type Catalog, CatalogError, type Installation } from '../../ports/catalog.ts';
import { QuotaExceededError } from '../../ports/owner-quota.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { type NodeRow, recordOf } from '../node-row.ts';
import { abortOf } from './abort.ts';
import { completionOf } from './completion.ts';
import { insert } from './insert.ts';
import { migrate } from './migrate.ts';
import { reserve } from './owner-quota.ts';
import { outboxOf } from './outbox.ts';
import { rotationsOf } from './rotations.ts';
import { attempt, changeRow, COLUMNS, type Edit } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';
import { sweepOf } from './sweep.ts';

/** The catalog over an open file. */
export function createSqliteCatalog(database: SqliteDatabase): Catalog {
  return {
    outbox: outboxOf(database),
    rotations: rotationsOf(database),
    migrate: () => attempt('bring its schema up to date', () => migrate(database)),
    installation: () => attempt('tell who it is', () => installation(database)),
    insert: (draft, quota) =>
      attempt('insert an upload', async () => {
        const outcome = await database.together(() => insert(database, draft, quota));
        if (outcome instanceof QuotaExceededError) throw outcome;
        return outcome;
      }),
    reserve: (uploadId, sizeBytes, quota) =>
      attempt('reserve room', () => reserve(database, uploadId, sizeBytes, quota)),
    revokeTokens: (uploadId) =>
      attempt('revoke tokens', () =>
        changeRow(database, uploadId, { set: 'token_version = token_version + 1', where: 'true' }),
      ),
    find: (uploadId) => attempt('read an upload', () => find(database, uploadId)),
    ...openingOf(database),
    ...completionOf(database),
    ...abortOf(database),
    ...sweepOf(database),
    recordGrant: (uploadId, { expiresInSeconds }) =>
      attempt('record a grant', () =>
        database.together(() => recordGrant(database, uploadId, expiresInSeconds)),
      ),
    recordActivity: (uploadId) => attempt('record activity', () => recordActivity(database, uploadId)),
    ping: () => attempt('answer', () => database.run('SELECT 1')),
    close: () => attempt('close', () => database.close()),
  };
}

type Opening = Pick<Catalog, 'repeatCreate' | 'saveMultipart' | 'openWithoutMultipart'>;

function openingOf(database: SqliteDatabase): Opening {
  const change = (deed: string, uploadId: string, edit: Edit): Promise<UploadRecord | undefined> =>
    attempt(deed, () => database.together(() => changeRow(database, uploadId, edit)));

  return {
    repeatCreate: (uploadId, pendingLimitMs) =>
      change('note that a create is repeated', uploadId, {
        set: `create_repeated = 1, next_attempt_at = ${CLOCK_MS} + :pendingLimitMs, claimed_until = NULL`,
        where: "upload_state = 'PENDING'",
        values: { pendingLimitMs },
      }),
    saveMultipart: (uploadId, { s3UploadId, mustFinishByEpochMs = null }) =>
      change('save a multipart id', uploadId, {
        set: `upload_state = 'UPLOADING', s3_upload_id = :s3UploadId, must_finish_by = :mustFinishByEpochMs,
          next_attempt_at = NULL`,
        where: "upload_state = 'PENDING'",
        values: { s3UploadId, mustFinishByEpochMs },
      }),
    openWithoutMultipart: (uploadId) =>
      change('open an upload', uploadId, {
        set: `upload_state = 'UPLOADING',
          next_attempt_at = CASE mode WHEN 'inline' THEN next_attempt_at END`,
        where: "upload_state = 'PENDING'",
      }),
  };
}

function installation(database: SqliteDatabase): Installation {
  const row = database.get<{ installation_id: string; created_at: number }>(
    'SELECT installation_id, created_at FROM longhaul_installation',
  );
  if (!row) throw new CatalogError('the SQLite catalog has no installation id: its table was emptied');
  return { installationId: row.installation_id, createdAtEpochMs: row.created_at };
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
