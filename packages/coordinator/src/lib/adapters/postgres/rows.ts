import type { UploadEvent } from '@longhaul/protocol';
import type { ISql, PendingQuery, Row, Sql, TransactionSql } from 'postgres';
import { CatalogError } from '../../ports/catalog.ts';
import { MoveRefusedError } from '../../ports/catalog-move.ts';
import { QuotaExceededError } from '../../ports/owner-quota.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { type NodeRow, RECORD_COLUMNS, recordOf } from '../node-row.ts';
import { type EndedRow, eventOf } from '../upload-event-row.ts';

/** A piece of a statement. */
export type Fragment = PendingQuery<Row[]>;

/** What selects a time as milliseconds since the Unix epoch. */
export function epochMs(name: string): string {
  return `floor(extract(epoch from ${name}) * 1000)::float8`;
}

// Casts, so that what arrives does not hang on the type parsers of the caller's client.
const CASTS: Readonly<Record<string, string>> = {
  document_id: 'document_id::text',
  size_bytes: 'size_bytes::float8',
  part_size_bytes: 'part_size_bytes::float8',
  size_known: 'size_known::int',
  metadata: 'metadata::text',
  checksum: 'checksum::text',
  encryption: 'encryption::text',
  object_options: 'object_options::text',
  cancel_requested: 'cancel_requested::int',
  create_repeated: 'create_repeated::int',
  idle_limit_ms: 'idle_limit_ms::float8',
  ...Object.fromEntries(
    [
      'complete_sent_at',
      'next_attempt_at',
      'created_at',
      'expires_at',
      'must_finish_by',
      'grants_expire_at',
      'completed_at',
    ].map((name) => [name, epochMs(name)]),
  ),
};

const COLUMNS = RECORD_COLUMNS.map((name) => `${CASTS[name] ?? name} as ${name}`).join(', ');

/** What to select or return so that {@link recordOfFirst} can read it. */
export function columns(sql: ISql): Fragment {
  return sql.unsafe(COLUMNS);
}

/** A time so long from now; null for null. */
export function fromNow(sql: Sql, delayMs: number | null): Fragment {
  return sql`clock_timestamp() + ${delayMs}::float8 * interval '1 millisecond'`;
}

/** When the statement began. Unlike a call of the clock itself it is computed once, so an index may be asked for it. */
export function startOfStatement(sql: Sql): Fragment {
  return sql`(select clock_timestamp())`;
}

/** A time so long ago. */
export function ago(sql: Sql, ageMs: number): Fragment {
  return sql`${startOfStatement(sql)} - ${ageMs}::float8 * interval '1 millisecond'`;
}

/** A time one idle limit from now. */
export function fullSpan(sql: Sql): Fragment {
  return sql`clock_timestamp() + idle_limit_ms * interval '1 millisecond'`;
}

/** Half of the idle limit or more has passed since the expiry was set. */
export function halfOfSpanIsGone(sql: Sql): Fragment {
  return sql`expires_at <= clock_timestamp() + idle_limit_ms / 2.0 * interval '1 millisecond'`;
}

/** The record of the first row. */
export function recordOfFirst(rows: readonly Row[]): UploadRecord | undefined {
  const [row] = rows;
  return row && recordOf(row as NodeRow);
}

/** Compare-and-set of one row. */
export async function changeRow(
  sql: Sql,
  uploadId: string,
  set: Fragment,
  where: Fragment,
): Promise<UploadRecord | undefined> {
  return recordOfFirst(
    await sql`
      update nodes set ${set}, updated_at = clock_timestamp()
      where document_id = ${idOf(uploadId)} and (${where})
      returning ${columns(sql)}`,
  );
}

/**
 * Compare-and-set of one row to a state that is an end, and the event that tells of it: both or neither. `set` sets
 * `updated_at` itself, to when the row ended.
 */
export function endRow(
  sql: Sql,
  uploadId: string,
  set: Fragment,
  where: Fragment,
): Promise<UploadRecord | undefined> {
  return sql.begin(async (transaction) => {
    const [row] = await transaction<EndedRow[]>`
      update nodes set ${set}, event_written = true
      where document_id = ${idOf(uploadId)} and (${where})
      returning ${columns(sql)}, ${sql.unsafe(epochMs('updated_at'))} as updated_at,
        (select installation_id::text from longhaul_installation) as installation_id`;
    if (!row) return undefined;
    await writeEvent(transaction, uploadId, eventOf(row));
    return recordOf(row);
  });
}

/** Puts an event into the outbox, inside the transaction of what it tells of. */
export async function writeEvent(
  transaction: TransactionSql,
  uploadId: string,
  event: UploadEvent,
): Promise<void> {
  await transaction`
    insert into outbox (event_id, node_id, type, event, written_at, next_attempt_at)
    select ${event.id}::uuid, ${uploadId}::uuid, ${event.type}, ${JSON.stringify(event)}::text::json, now, now
    from clock_timestamp() as now`;
}

/** The id, or one that no row has: Postgres refuses to compare its uuid with any other text. */
export function idOf(uploadId: string): string {
  return UUID.test(uploadId) ? uploadId : '00000000-0000-0000-0000-000000000000';
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Runs the work, which must end; whatever the driver throws becomes the cause of a {@link CatalogError}. */
export function attempt<Result>(deed: string, work: () => Promise<Result>): Promise<Result> {
  return translated(deed, () => withinDeadline(work()));
}

/** {@link attempt} for work that may last. */
export async function translated<Result>(deed: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (TELLING.some((known) => cause instanceof known)) throw cause;
    throw new CatalogError(`the Postgres catalog could not ${deed}`, { cause });
  }
}

// Say by themselves what they have to say.
const TELLING = [CatalogError, QuotaExceededError, MoveRefusedError];

const CALL_TIMEOUT_MS = 30_000;

// The driver tries for ever when something takes its connections and drops them, as a proxy without a database does.
async function withinDeadline<Result>(work: Promise<Result>): Promise<Result> {
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => deadline.reject(new Error(`no answer within ${CALL_TIMEOUT_MS} ms`)),
    CALL_TIMEOUT_MS,
  );
  try {
    return await Promise.race([work, deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}
