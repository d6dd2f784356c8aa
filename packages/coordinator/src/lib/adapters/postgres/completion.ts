import type { Sql } from 'postgres';
import type { Catalog, CompletionAttempt, UploadRecord } from '../../ports/catalog.ts';
import { attempt, changeRow, type Fragment, fullSpan } from './rows.ts';

type Completion = Pick<
  Catalog,
  'beginCompletion' | 'finishCompletion' | 'reopen' | 'noteError' | 'fail' | 'requestCancel'
>;

/** The catalog's part in completing an upload. Every change by a driver but the first is refused once the epoch moved. */
export function completionOf(sql: Sql): Completion {
  return {
    beginCompletion: (uploadId, attempted) =>
      attempt('begin a completion', () =>
        changeRow(sql, uploadId, beginning(sql, attempted), beginnable(sql)),
      ),
    finishCompletion: (uploadId, epoch, { etag, versionId = null, proof }) =>
      attempt('finish a completion', () =>
        changeAtEpoch(
          sql,
          uploadId,
          epoch,
          sql`upload_state = 'COMPLETED',
          s3_etag = ${etag}, s3_version_id = ${versionId}, proof = ${proof},
          completed_at = clock_timestamp(), next_attempt_at = null, last_error = null`,
        ),
      ),
    reopen: (uploadId, epoch, lastError) =>
      attempt('reopen an upload', () => reopen(sql, uploadId, epoch, lastError)),
    noteError: (uploadId, epoch, lastError) =>
      attempt('note an error', async () => {
        await changeAtEpoch(sql, uploadId, epoch, sql`last_error = ${lastError}`);
      }),
    fail: (uploadId, epoch, lastError) =>
      attempt('fail an upload', () =>
        changeAtEpoch(
          sql,
          uploadId,
          epoch,
          sql`upload_state = 'FAILED',
          last_error = ${lastError}, next_attempt_at = null`,
        ),
      ),
    requestCancel: (uploadId) =>
      attempt('remember a cancel', async () => {
        await changeRow(sql, uploadId, sql`cancel_requested = true`, sql`upload_state = 'COMPLETING'`);
      }),
  };
}

function beginning(sql: Sql, { partsDigest, redriveAfterMs }: CompletionAttempt): Fragment {
  return sql`upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = ${partsDigest},
    complete_sent_at = clock_timestamp(),
    next_attempt_at = clock_timestamp() + ${redriveAfterMs}::float8 * interval '1 millisecond'`;
}

function beginnable(sql: Sql): Fragment {
  return sql`upload_state = 'UPLOADING'
    or (upload_state = 'COMPLETING' and next_attempt_at <= clock_timestamp())`;
}

async function changeAtEpoch(
  sql: Sql,
  uploadId: string,
  epoch: number,
  set: Fragment,
): Promise<UploadRecord | undefined> {
  return changeRow(sql, uploadId, set, sql`upload_state = 'COMPLETING' and epoch = ${epoch}`);
}

async function reopen(
  sql: Sql,
  uploadId: string,
  epoch: number,
  lastError: string,
): Promise<UploadRecord | undefined> {
  const reopening = (): Fragment => sql`upload_state = 'UPLOADING', last_error = ${lastError},
    complete_sent_at = null, next_attempt_at = null, parts_digest = null,
    expires_at = greatest(expires_at, ${fullSpan(sql)})`;
  try {
    return await changeAtEpoch(sql, uploadId, epoch, reopening());
  } catch (error) {
    // Another upload of the same content was opened while this one was completing: it keeps the resume key.
    if (!isUniqueViolation(error)) throw error;
    return await changeAtEpoch(sql, uploadId, epoch, sql`${reopening()}, resume_key = null`);
  }
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
