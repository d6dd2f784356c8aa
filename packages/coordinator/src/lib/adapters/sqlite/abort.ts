import type { AbortCatalog } from '../../ports/catalog.ts';
import { attempt, changeRow, endRow } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** The catalog's part in ending an upload without an object. */
export function abortOf(database: SqliteDatabase): AbortCatalog {
  return {
    beginAbort: (uploadId, { to, redriveAfterMs, onlyIfDue = false }) =>
      attempt('begin an abort', () =>
        changeRow(database, uploadId, {
          set: `upload_state = 'ABORTING', abort_to = :to,
            next_attempt_at = ${CLOCK_MS} + :redriveAfterMs, claimed_until = NULL`,
          where: onlyIfDue ? `${ABORTABLE} AND ${MAY_BE_ENDED}` : ABORTABLE,
          values: { to, redriveAfterMs },
        }),
      ),
    finishAbort: (uploadId, { checkAgainAfterMs = null }: { checkAgainAfterMs?: number | null } = {}) =>
      attempt('finish an abort', () =>
        endRow(database, uploadId, {
          // A program without the column aborted for its client only.
          set: `upload_state = coalesce(abort_to, 'CANCELLED'), updated_at = ${CLOCK_MS},
            next_attempt_at = ${CLOCK_MS} + :checkAgainAfterMs, claimed_until = NULL`,
          where: "upload_state = 'ABORTING'",
          values: { checkAgainAfterMs },
        }),
      ),
  };
}

const ABORTABLE = "upload_state IN ('PENDING', 'UPLOADING') AND complete_sent_at IS NULL";

// A program of the version before leaves the time of the create in `next_attempt_at` when it saves the multipart id.
const MAY_BE_ENDED = `(expires_at <= ${CLOCK_MS} OR (next_attempt_at <= ${CLOCK_MS} AND s3_upload_id IS NULL))`;
