import type { Sql } from 'postgres';
import type { AbortCatalog } from '../../ports/catalog.ts';
import { attempt, changeRow, endRow, type Fragment, fromNow } from './rows.ts';

/** The catalog's part in ending an upload without an object. */
export function abortOf(sql: Sql): AbortCatalog {
  return {
    beginAbort: (uploadId, { to, redriveAfterMs, onlyIfDue = false }) =>
      attempt('begin an abort', () => {
        const set = sql`upload_state = 'ABORTING', abort_to = ${to},
          next_attempt_at = ${fromNow(sql, redriveAfterMs)}, claimed_until = null`;
        const abortable = sql`upload_state in ('PENDING', 'UPLOADING') and complete_sent_at is null`;
        return changeRow(
          sql,
          uploadId,
          set,
          onlyIfDue ? sql`${abortable} and (${mayBeEnded(sql)})` : abortable,
        );
      }),
    finishAbort: (uploadId, { checkAgainAfterMs = null }: { checkAgainAfterMs?: number | null } = {}) =>
      attempt('finish an abort', () => {
        // A program without the column aborted for its client only.
        const set = sql`upload_state = coalesce(abort_to, 'CANCELLED'), updated_at = clock_timestamp(),
          next_attempt_at = ${fromNow(sql, checkAgainAfterMs)}, claimed_until = null`;
        return endRow(sql, uploadId, set, sql`upload_state = 'ABORTING'`);
      }),
  };
}

// A program of the version before leaves the time of the create in `next_attempt_at` when it saves the multipart id.
function mayBeEnded(sql: Sql): Fragment {
  return sql`expires_at <= clock_timestamp() or (next_attempt_at <= clock_timestamp() and s3_upload_id is null)`;
}
