import type { CompletionCatalog } from '../../ports/catalog.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { attempt, changeRow, type Edit, endRow } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** The catalog's part in completing an upload. Every change by a driver but the first is refused once the epoch moved. */
export function completionOf(database: SqliteDatabase): CompletionCatalog {
  const change = (deed: string, uploadId: string, edit: Edit): Promise<UploadRecord | undefined> =>
    attempt(deed, () => database.together(() => changeRow(database, uploadId, edit)));

  return {
    beginCompletion: (uploadId, { partsDigest, redriveAfterMs, checksum, size }) => {
      const whole = checksum ? JSON.stringify(checksum) : null;
      const { sizeBytes = null, partCount = null } = size ?? {};
      const values = { partsDigest, redriveAfterMs, checksum: whole, sizeBytes, partCount };
      return change('begin a completion', uploadId, { ...BEGIN, values });
    },
    finishCompletion: (uploadId, epoch, { etag, versionId = null, proof }) =>
      attempt('finish a completion', () =>
        database.together(() =>
          endRow(database, uploadId, { ...FINISH, values: { epoch, etag, versionId, proof } }),
        ),
      ),
    refuseCompletion: (uploadId, epoch, { lastError, attemptOverAfterMs, redriveAfterMs }) =>
      change('refuse a completion', uploadId, {
        ...REFUSE,
        values: { epoch, lastError, attemptOverAfterMs, redriveAfterMs },
      }),
    postponeCompletion: async (uploadId, epoch, { lastError, redriveAfterMs }) => {
      const values = { epoch, lastError, redriveAfterMs };
      await change('postpone a completion', uploadId, { ...POSTPONE, values });
    },
    fail: (uploadId, epoch, { lastError, quietForMs }) =>
      attempt('fail an upload', () =>
        endRow(database, uploadId, { ...FAIL, values: { epoch, lastError, quietForMs } }),
      ),
    requestCancel: async (uploadId) => {
      const set = 'cancel_requested = 1';
      await change('remember a cancel', uploadId, { set, where: "upload_state = 'COMPLETING'" });
    },
  };
}

const AT_EPOCH = "upload_state = 'COMPLETING' AND epoch = :epoch";

const BEGIN = {
  set: `upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = :partsDigest,
    checksum = coalesce(:checksum, checksum),
    unresolved_sent_at = CASE upload_state WHEN 'COMPLETING' THEN complete_sent_at END,
    completing_since = CASE upload_state WHEN 'COMPLETING' THEN coalesce(completing_since, complete_sent_at)
      ELSE ${CLOCK_MS} END,
    complete_sent_at = ${CLOCK_MS}, next_attempt_at = ${CLOCK_MS} + :redriveAfterMs, claimed_until = NULL,
    size_bytes = coalesce(:sizeBytes, size_bytes), part_count = coalesce(:partCount, part_count),
    size_known = size_known OR :sizeBytes IS NOT NULL`,
  where: `(upload_state = 'UPLOADING' OR (upload_state = 'COMPLETING' AND next_attempt_at <= ${CLOCK_MS}))
    AND (size_known = 0 OR size_bytes = coalesce(:sizeBytes, size_bytes))`,
};

const FINISH = {
  set: `upload_state = 'COMPLETED', s3_etag = :etag, s3_version_id = :versionId, proof = :proof,
    completed_at = ${CLOCK_MS}, updated_at = ${CLOCK_MS}, last_error = NULL, claimed_until = NULL,
    next_attempt_at = CASE create_repeated WHEN 1 THEN ${CLOCK_MS} END`,
  where: AT_EPOCH,
};

const IS_RESOLVED = `(unresolved_sent_at IS NULL OR unresolved_sent_at <= ${CLOCK_MS} - :attemptOverAfterMs)`;

// Another upload of the same content may have been opened while this one was completing: it keeps the resume key.
const REFUSE = {
  set: `last_error = :lastError, claimed_until = NULL, unresolved_sent_at = NULL,
    upload_state = CASE WHEN ${IS_RESOLVED} THEN 'UPLOADING' ELSE upload_state END,
    complete_sent_at = CASE WHEN ${IS_RESOLVED} THEN NULL ELSE unresolved_sent_at END,
    next_attempt_at = CASE WHEN NOT ${IS_RESOLVED} THEN ${CLOCK_MS} + :redriveAfterMs WHEN cancel_requested THEN ${CLOCK_MS} END,
    parts_digest = CASE WHEN ${IS_RESOLVED} THEN NULL ELSE parts_digest END,
    expires_at = CASE WHEN ${IS_RESOLVED} THEN max(expires_at, ${CLOCK_MS} + idle_limit_ms) ELSE expires_at END,
    resume_key = CASE WHEN ${IS_RESOLVED} AND EXISTS (
      SELECT 1 FROM nodes AS other
      WHERE other.owner = nodes.owner AND other.resume_key = nodes.resume_key
        AND other.upload_state IN ('PENDING', 'UPLOADING')
    ) THEN NULL ELSE resume_key END`,
  where: AT_EPOCH,
};

const POSTPONE = {
  set: `last_error = :lastError, next_attempt_at = ${CLOCK_MS} + :redriveAfterMs, claimed_until = NULL`,
  where: AT_EPOCH,
};

const FAIL = {
  set: `upload_state = 'FAILED', last_error = :lastError, updated_at = ${CLOCK_MS},
    next_attempt_at = ${CLOCK_MS}, claimed_until = NULL`,
  where: `${AT_EPOCH} AND complete_sent_at <= ${CLOCK_MS} - :quietForMs`,
};
