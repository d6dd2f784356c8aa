import type { Sql } from 'postgres';
import type { DueClaim, OpenUploads, SweepCatalog } from '../../ports/catalog.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { longestDueFirst, type NodeRow, recordOf } from '../node-row.ts';
import { openUploadsOf, type OpenUploadsRow } from '../open-uploads-row.ts';
import {
  ago,
  attempt,
  columns,
  endRow,
  epochMs,
  type Fragment,
  fromNow,
  idOf,
  startOfStatement,
} from './rows.ts';

/** The catalog's part in looking after uploads that nobody else looks after. */
export function sweepOf(sql: Sql): SweepCatalog {
  return {
    claimDue: (claim) => attempt('claim uploads that are due', () => claimDue(sql, claim)),
    extendExpiry: (uploadId, lastActiveAtEpochMs) =>
      attempt('extend an expiry', () => extendExpiry(sql, uploadId, lastActiveAtEpochMs)),
    postpone: (uploadId, state, delay) =>
      attempt('postpone an upload', () => postpone(sql, uploadId, state, delay)),
    finishCleanup: (uploadId) =>
      attempt('finish a clean-up', async () => {
        await sql`
          update nodes set next_attempt_at = null, claimed_until = null
          where document_id = ${idOf(uploadId)} and ${hasEnded(sql)}`;
      }),
    writeMissingEvents: (limit) => attempt('write missing events', () => writeMissingEvents(sql, limit)),
    findByKeys: (keys) => attempt('find uploads by their keys', () => findByKeys(sql, keys)),
    openUploads: () => attempt('count open uploads', () => openUploads(sql)),
    oldestOpenCreatedAtEpochMs: () => attempt('find the oldest open upload', () => oldestOpenCreatedAt(sql)),
    removeEnded: (retainMs, limit) =>
      attempt('remove ended uploads', () => removeEnded(sql, retainMs, limit)),
  };
}

function hasEnded(sql: Sql): Fragment {
  return sql`upload_state in ('COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED')`;
}

// A program of the version before does not say when somebody has to look at its ABORTING rows: they expire.
function hasExpired(sql: Sql, now: Fragment): Fragment {
  return sql`upload_state in ('PENDING', 'UPLOADING', 'ABORTING') and expires_at <= ${now}
    and (upload_state <> 'ABORTING' or next_attempt_at is null)`;
}

async function claimDue(sql: Sql, { bucket, limit, leaseMs }: DueClaim): Promise<UploadRecord[]> {
  const now = (): Fragment => startOfStatement(sql);
  const rows = await sql<NodeRow[]>`
    with due as (
      select document_id as due_id from nodes
      where (next_attempt_at <= ${now()} or (${hasExpired(sql, now())}))
        and (claimed_until is null or claimed_until <= ${now()})
        and bucket = ${bucket}
      order by coalesce(next_attempt_at, expires_at)
      limit ${limit}
      for update skip locked
    )
    update nodes set claimed_until = ${fromNow(sql, leaseMs)}
    from due where document_id = due_id
    returning ${columns(sql)}`;
  return longestDueFirst(rows.map(recordOf));
}

async function extendExpiry(sql: Sql, uploadId: string, lastActiveAtEpochMs: number): Promise<void> {
  // A multipart one is due by its expiry alone.
  await sql`
    update nodes set
      expires_at = greatest(
        expires_at,
        to_timestamp(${lastActiveAtEpochMs}::float8 / 1000) + idle_limit_ms * interval '1 millisecond'
      ),
      next_attempt_at = case when s3_upload_id is null then next_attempt_at end
    where document_id = ${idOf(uploadId)} and upload_state in ('PENDING', 'UPLOADING')`;
}

async function postpone(
  sql: Sql,
  uploadId: string,
  state: UploadRecord['state'],
  { delayMs, lastError = null }: { readonly delayMs: number; readonly lastError?: string | null },
): Promise<void> {
  // Hidden until then as well: a row that has expired would be due at once whatever its next attempt is. Its next attempt
  // stays unset, so that activity makes it no longer due. `updated_at` stays: of an ended row it is the time of the end.
  await sql`
    update nodes set
      claimed_until = ${fromNow(sql, delayMs)},
      next_attempt_at = case
        when next_attempt_at is null and ${hasExpired(sql, sql`clock_timestamp()`)} then null
        else ${fromNow(sql, delayMs)}
      end,
      last_error = coalesce(${lastError}, last_error)
    where document_id = ${idOf(uploadId)} and upload_state = ${state}`;
}

async function writeMissingEvents(sql: Sql, limit: number): Promise<number> {
  const rows = await sql<{ document_id: string }[]>`
    select document_id::text from nodes
    where not event_written and ${hasEnded(sql)} order by updated_at limit ${limit}`;
  let written = 0;
  for (const { document_id } of rows) {
    // What has failed is cleaned up by whoever has an outbox.
    const set = sql`next_attempt_at = case upload_state when 'FAILED' then clock_timestamp() else next_attempt_at end`;
    const told = await endRow(sql, document_id, set, sql`not event_written and ${hasEnded(sql)}`);
    if (told) written += 1;
  }
  return written;
}

async function findByKeys(sql: Sql, keys: readonly string[]): Promise<UploadRecord[]> {
  // JSON, because how a driver writes an array hangs on what it knows of the database's types.
  const rows = await sql<NodeRow[]>`
    select ${columns(sql)} from nodes
    where s3_key = any (array(select json_array_elements_text(${JSON.stringify(keys)}::text::json)))`;
  return rows.map(recordOf);
}

async function openUploads(sql: Sql): Promise<OpenUploads> {
  // By the words of the partial indexes nodes_expiring and nodes_due, so that complete rows are not read.
  const rows = await sql<OpenUploadsRow[]>`
    select upload_state as state, count(*)::float8 as count, null::float8 as age_ms from nodes
    where upload_state in ('PENDING', 'UPLOADING', 'ABORTING') group by upload_state
    union all
    select 'COMPLETING', count(*)::float8,
      floor(extract(epoch from clock_timestamp() - min(coalesce(completing_since, complete_sent_at))) * 1000)::float8
    from nodes where upload_state = 'COMPLETING' and next_attempt_at is not null`;
  return openUploadsOf(rows);
}

async function oldestOpenCreatedAt(sql: Sql): Promise<number | undefined> {
  const [row] = await sql<{ created_at: number | null }[]>`
    select ${sql.unsafe(epochMs('min(created_at)'))} as created_at from nodes
    where upload_state in ('PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING')`;
  return row?.created_at ?? undefined;
}

async function removeEnded(sql: Sql, retainMs: number, limit: number | null = null): Promise<number> {
  // Locked as they are chosen, so that none changes between that and its removal.
  const removed = await sql`
    delete from nodes where document_id in (
      select document_id from nodes
      where upload_state in ('CANCELLED', 'EXPIRED', 'FAILED') and updated_at < ${ago(sql, retainMs)}
        and next_attempt_at is null and event_written
        and not exists (select 1 from outbox where node_id = document_id and sent_at is null)
      limit ${limit}::bigint
      for update skip locked
    )`;
  return removed.count;
}
