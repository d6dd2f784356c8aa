import type { OpenUploads, SweepCatalog } from '../../ports/catalog.ts';
import { longestDueFirst, type NodeRow, recordOf } from '../node-row.ts';
import { openUploadsOf, type OpenUploadsRow } from '../open-uploads-row.ts';
import { attempt, COLUMNS, endRow } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** The catalog's part in looking after uploads that nobody else looks after. */
export function sweepOf(database: SqliteDatabase): SweepCatalog {
  return {
    claimDue: ({ bucket, limit, leaseMs }) =>
      attempt('claim uploads that are due', () => {
        const rows = database.write(() => database.all<NodeRow>(CLAIM_DUE, { bucket, limit, leaseMs }));
        return longestDueFirst(rows.map(recordOf));
      }),
    extendExpiry: (uploadId, lastActiveAtEpochMs) =>
      attempt('extend an expiry', () => write(database, EXTEND_EXPIRY, { uploadId, lastActiveAtEpochMs })),
    postpone: (uploadId, state, { delayMs, lastError = null }) =>
      attempt('postpone an upload', () => write(database, POSTPONE, { uploadId, state, delayMs, lastError })),
    finishCleanup: (uploadId) =>
      attempt('finish a clean-up', () => write(database, FINISH_CLEANUP, { uploadId })),
    writeMissingEvents: (limit) => attempt('write missing events', () => writeMissingEvents(database, limit)),
    findByKeys: (keys) =>
      attempt('find uploads by their keys', () =>
        database.all<NodeRow>(FIND_BY_KEYS, { keys: JSON.stringify(keys) }).map(recordOf),
      ),
    openUploads: () => attempt('count open uploads', () => openUploads(database)),
    oldestOpenCreatedAtEpochMs: () =>
      attempt('find the oldest open upload', () => {
        const row = database.get<{ created_at: number | null }>(OLDEST_OPEN);
        return row?.created_at ?? undefined;
      }),
    removeEnded: (retainMs, limit = NO_LIMIT) =>
      attempt('remove ended uploads', () =>
        database.write(() => database.change(REMOVE_ENDED, { retainMs, limit })),
      ),
  };
}

function writeMissingEvents(database: SqliteDatabase, limit: number): number {
  const rows = database.all<{ document_id: string }>(FIND_UNTOLD, { limit });
  const told = rows.filter(({ document_id }) => endRow(database, document_id, TELL));
  return told.length;
}

function openUploads(database: SqliteDatabase): OpenUploads {
  return openUploadsOf(database.all<OpenUploadsRow>(OPEN_UPLOADS));
}

function write(
  database: SqliteDatabase,
  sql: string,
  values: Readonly<Record<string, string | number | null>>,
): void {
  database.write(() => database.run(sql, values));
}

const ENDED = "upload_state IN ('COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED')";

// A program of the version before does not say when somebody has to look at its ABORTING rows: they expire.
const HAS_EXPIRED = `upload_state IN ('PENDING', 'UPLOADING', 'ABORTING') AND expires_at <= ${CLOCK_MS}
  AND (upload_state <> 'ABORTING' OR next_attempt_at IS NULL)`;

const CLAIM_DUE = `
  UPDATE nodes SET claimed_until = ${CLOCK_MS} + :leaseMs
  WHERE document_id IN (
    SELECT document_id FROM nodes
    WHERE (next_attempt_at <= ${CLOCK_MS} OR (${HAS_EXPIRED}))
      AND (claimed_until IS NULL OR claimed_until <= ${CLOCK_MS})
      AND bucket = :bucket
    ORDER BY coalesce(next_attempt_at, expires_at)
    LIMIT :limit
  )
  RETURNING ${COLUMNS}`;

// A multipart one is due by its expiry alone.
const EXTEND_EXPIRY = `
  UPDATE nodes SET
    expires_at = max(expires_at, :lastActiveAtEpochMs + idle_limit_ms),
    next_attempt_at = CASE WHEN s3_upload_id IS NULL THEN next_attempt_at END
  WHERE document_id = :uploadId AND upload_state IN ('PENDING', 'UPLOADING')`;

// Hidden until then as well: a row that has expired would be due at once whatever its next attempt is. Its next attempt
// stays unset, so that activity makes it no longer due. `updated_at` stays: of an ended row it is the time of the end.
const POSTPONE = `
  UPDATE nodes SET
    claimed_until = ${CLOCK_MS} + :delayMs,
    next_attempt_at = CASE WHEN next_attempt_at IS NULL AND (${HAS_EXPIRED}) THEN NULL ELSE ${CLOCK_MS} + :delayMs END,
    last_error = coalesce(:lastError, last_error)
  WHERE document_id = :uploadId AND upload_state = :state`;

const FINISH_CLEANUP = `
  UPDATE nodes SET next_attempt_at = NULL, claimed_until = NULL WHERE document_id = :uploadId AND ${ENDED}`;

const FIND_UNTOLD = `
  SELECT document_id FROM nodes WHERE event_written = 0 AND ${ENDED} ORDER BY updated_at LIMIT :limit`;

// What has failed is cleaned up by whoever has an outbox.
const TELL = {
  set: `next_attempt_at = CASE WHEN upload_state = 'FAILED' THEN ${CLOCK_MS} ELSE next_attempt_at END`,
  where: `event_written = 0 AND ${ENDED}`,
};

const FIND_BY_KEYS = `SELECT ${COLUMNS} FROM nodes WHERE s3_key IN (SELECT value FROM json_each(:keys))`;

// By the words of the partial indexes nodes_expiring and nodes_due, so that complete rows are not read.
const OPEN_UPLOADS = `
  SELECT upload_state AS state, count(*) AS count, NULL AS age_ms FROM nodes
  WHERE upload_state IN ('PENDING', 'UPLOADING', 'ABORTING') GROUP BY upload_state
  UNION ALL
  SELECT 'COMPLETING', count(*), ${CLOCK_MS} - min(coalesce(completing_since, complete_sent_at)) FROM nodes
  WHERE upload_state = 'COMPLETING' AND next_attempt_at IS NOT NULL`;

const OLDEST_OPEN = `
  SELECT min(created_at) AS created_at FROM nodes
  WHERE upload_state IN ('PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING')`;

/** SQLite takes a negative limit for none. */
const NO_LIMIT = -1;

const REMOVE_ENDED = `
  DELETE FROM nodes WHERE document_id IN (
    SELECT document_id FROM nodes
    WHERE upload_state IN ('CANCELLED', 'EXPIRED', 'FAILED') AND updated_at < ${CLOCK_MS} - :retainMs
      AND next_attempt_at IS NULL AND event_written = 1
      AND NOT EXISTS (SELECT 1 FROM outbox WHERE outbox.node_id = nodes.document_id AND outbox.sent_at IS NULL)
    LIMIT :limit
  )`;
