import type { Sql } from 'postgres';
import type { Catalog, UploadRecord } from '../../ports/catalog.ts';
import { attempt, changeRow, type Fragment, fullSpan } from './rows.ts';

/** The catalog's part in completing an upload. */
export type Completion = Pick<
  Catalog,
  'beginCompletion' | 'finishCompletion' | 'reopen' | 'noteError' | 'fail' | 'requestCancel'
>;

/** Every change but the first is refused once the epoch moved. */
export function completionOf(sql: Sql): Completion {
  const changeAtEpoch = (uploadId: string, epoch: number, set: Fragment): Promise<UploadRecord | undefined> =>
    changeRow(sql, uploadId, set, sql`upload_state = 'COMPLETING' and epoch = ${epoch}`);

  return {
    beginCompletion: (uploadId, { partsDigest, redriveAfterMs }) =>
      attempt('begin a completion', () =>
        changeRow(
          sql,
          uploadId,
          sql`upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = ${partsDigest},
            complete_sent_at = clock_timestamp(),
            next_attempt_at = clock_timestamp() + ${redriveAfterMs}::float8 * interval '1 millisecond'`,
          sql`upload_state = 'UPLOADING'
            or (upload_state = 'COMPLETING' and next_attempt_at <= clock_timestamp())`,
        ),
      ),
    finishCompletion: (uploadId, epoch, { etag, versionId = null, proof }) =>
      attempt('finish a completion', () =>
        changeAtEpoch(
          uploadId,
          epoch,
          sql`upload_state = 'COMPLETED', s3_etag = ${etag}, s3_version_id = ${versionId}, proof = ${proof},
            completed_at = clock_timestamp(), next_attempt_at = null, last_error = null`,
        ),
      ),
    reopen: (uploadId, epoch, lastError) =>
      attempt('reopen an upload', () => reopen(sql, lastError, (set) => changeAtEpoch(uploadId, epoch, set))),
    noteError: (uploadId, epoch, lastError) =>
      attempt('note an error', async () => {
        await changeAtEpoch(uploadId, epoch, sql`last_error = ${lastError}`);
      }),
    fail: (uploadId, epoch, lastError) =>
      attempt('fail an upload', () =>
        changeAtEpoch(
          uploadId,
          epoch,
          sql`upload_state = 'FAILED', last_error = ${lastError}, next_attempt_at = null`,
        ),
      ),
    requestCancel: (uploadId) =>
      attempt('remember a cancel', async () => {
        await changeRow(sql, uploadId, sql`cancel_requested = true`, sql`upload_state = 'COMPLETING'`);
      }),
  };
}

async function reopen(
  sql: Sql,
  lastError: string,
  change: (set: Fragment) => Promise<UploadRecord | undefined>,
): Promise<UploadRecord | undefined> {
  const set = (): Fragment => sql`upload_state = 'UPLOADING', last_error = ${lastError},
    complete_sent_at = null, next_attempt_at = null, parts_digest = null,
    expires_at = greatest(expires_at, ${fullSpan(sql)})`;
  try {
    return await change(set());
  } catch (error) {
    // Another upload of the same content was opened while this one was completing: it keeps the resume key.
    if (!isUniqueViolation(error)) throw error;
    return await change(sql`${set()}, resume_key = null`);
  }
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
