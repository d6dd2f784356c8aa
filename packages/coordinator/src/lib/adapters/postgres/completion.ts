import type { Sql } from 'postgres';
import type { CompletionAttempt, CompletionCatalog } from '../../ports/catalog.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { ago, attempt, changeRow, endRow, type Fragment, fromNow, fullSpan } from './rows.ts';

/** The catalog's part in completing an upload. Every change by a driver but the first is refused once the epoch moved. */
export function completionOf(sql: Sql): CompletionCatalog {
  return {
    beginCompletion: (uploadId, attempted) =>
      attempt('begin a completion', () =>
        changeRow(sql, uploadId, beginning(sql, attempted), beginnable(sql, attempted)),
      ),
    finishCompletion: (uploadId, epoch, { etag, versionId = null, proof }) =>
      attempt('finish a completion', () => {
        const set = sql`upload_state = 'COMPLETED', s3_etag = ${etag}, s3_version_id = ${versionId}, proof = ${proof},
          completed_at = clock_timestamp(), updated_at = clock_timestamp(), last_error = null, claimed_until = null,
          next_attempt_at = case when create_repeated then clock_timestamp() end`;
        return endRow(sql, uploadId, set, atEpoch(sql, epoch));
      }),
    refuseCompletion: (uploadId, epoch, refusal) =>
      attempt('refuse a completion', () => refuse(sql, uploadId, epoch, refusal)),
    postponeCompletion: (uploadId, epoch, { lastError, redriveAfterMs }) =>
      attempt('postpone a completion', async () => {
        const set = sql`last_error = ${lastError}, next_attempt_at = ${fromNow(sql, redriveAfterMs)},
          claimed_until = null`;
        await changeRow(sql, uploadId, set, atEpoch(sql, epoch));
      }),
    fail: (uploadId, epoch, { lastError, quietForMs }) =>
      attempt('fail an upload', () => {
        const set = sql`upload_state = 'FAILED', last_error = ${lastError}, updated_at = clock_timestamp(),
          next_attempt_at = clock_timestamp(), claimed_until = null`;
        const where = sql`${atEpoch(sql, epoch)} and complete_sent_at <= ${ago(sql, quietForMs)}`;
        return endRow(sql, uploadId, set, where);
      }),
    requestCancel: (uploadId) =>
      attempt('remember a cancel', async () => {
        await changeRow(sql, uploadId, sql`cancel_requested = true`, sql`upload_state = 'COMPLETING'`);
      }),
  };
}

function beginning(sql: Sql, { partsDigest, redriveAfterMs, checksum, size }: CompletionAttempt): Fragment {
  const whole = checksum ? JSON.stringify(checksum) : null;
  const { sizeBytes = null, partCount = null } = size ?? {};
  return sql`upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = ${partsDigest},
    checksum = coalesce(${whole}::text::json, checksum),
    unresolved_sent_at = case upload_state when 'COMPLETING' then complete_sent_at end,
    completing_since = case upload_state when 'COMPLETING' then coalesce(completing_since, complete_sent_at)
      else clock_timestamp() end,
    complete_sent_at = clock_timestamp(), next_attempt_at = ${fromNow(sql, redriveAfterMs)}, claimed_until = null,
    size_bytes = coalesce(${sizeBytes}::bigint, size_bytes), part_count = coalesce(${partCount}::int, part_count),
    size_known = size_known or ${sizeBytes}::bigint is not null`;
}

function beginnable(sql: Sql, { size }: CompletionAttempt): Fragment {
  return sql`(upload_state = 'UPLOADING'
    or (upload_state = 'COMPLETING' and next_attempt_at <= clock_timestamp()))
    and (not size_known or size_bytes = coalesce(${size?.sizeBytes ?? null}::bigint, size_bytes))`;
}

function atEpoch(sql: Sql, epoch: number): Fragment {
  return sql`upload_state = 'COMPLETING' and epoch = ${epoch}`;
}

async function refuse(
  sql: Sql,
  uploadId: string,
  epoch: number,
  refusal: Parameters<CompletionCatalog['refuseCompletion']>[2],
): Promise<UploadRecord | undefined> {
  const { lastError, attemptOverAfterMs, redriveAfterMs } = refusal;
  const reopened = await reopen(sql, uploadId, lastError, () => {
    const isOver = sql`unresolved_sent_at is null or unresolved_sent_at <= ${ago(sql, attemptOverAfterMs)}`;
    return sql`${atEpoch(sql, epoch)} and (${isOver})`;
  });
  if (reopened) return reopened;
  // An earlier attempt is unresolved: the age of one only grows, so at worst it stays a little longer than it must.
  const staying = sql`complete_sent_at = unresolved_sent_at, unresolved_sent_at = null, last_error = ${lastError},
    next_attempt_at = ${fromNow(sql, redriveAfterMs)}, claimed_until = null`;
  return await changeRow(
    sql,
    uploadId,
    staying,
    sql`${atEpoch(sql, epoch)} and unresolved_sent_at is not null`,
  );
}

async function reopen(
  sql: Sql,
  uploadId: string,
  lastError: string,
  where: () => Fragment,
): Promise<UploadRecord | undefined> {
  const reopening = (): Fragment => sql`upload_state = 'UPLOADING', last_error = ${lastError},
    complete_sent_at = null, unresolved_sent_at = null, claimed_until = null,
    next_attempt_at = case when cancel_requested then clock_timestamp() end,
    parts_digest = null, expires_at = greatest(expires_at, ${fullSpan(sql)})`;
  try {
    return await changeRow(sql, uploadId, reopening(), where());
  } catch (error) {
    // Another upload of the same content was opened while this one was completing: it keeps the resume key.
    if (!isUniqueViolation(error)) throw error;
    return await changeRow(sql, uploadId, sql`${reopening()}, resume_key = null`, where());
  }
}

// https://www.postgresql.org/docs/current/errcodes-appendix.html
function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505';
}
