import type { Sql } from 'postgres';
import type {
  DeliveryOutcome,
  Outbox,
  OutboxEvent,
  OutboxStatus,
  ReplaySelection,
} from '../../ports/outbox.ts';
import { outboxEventsOf, type OutboxRow, parkedEventOf, type ParkedRow } from '../upload-event-row.ts';
import { ago, attempt, type Fragment, fromNow, idOf, startOfStatement } from './rows.ts';

/** The outbox in Postgres. */
export function outboxOf(sql: Sql): Outbox {
  return {
    claim: (claim) => attempt('claim events', () => claimEvents(sql, claim)),
    settle: (eventId, outcome) =>
      attempt('settle an event', async () => {
        await sql`
          update outbox set ${outcomeOf(sql, outcome)}
          where event_id = ${idOf(eventId)} and sent_at is null`;
      }),
    status: () => attempt('tell the state of its outbox', () => statusOf(sql)),
    replay: (selection) =>
      attempt('replay events', async () => {
        const replayed = await sql`
          update outbox set sent_at = null, parked_at = null, last_error = null,
            attempts = 0, delivered_to = '[]', next_attempt_at = clock_timestamp()
          where (sent_at is not null or parked_at is not null) and ${chosenBy(sql, selection)}`;
        return replayed.count;
      }),
    removeSent: (retainMs, limit) =>
      attempt('remove sent events', async () => {
        const removed = await sql`
          delete from outbox where seq in (
            select seq from outbox where sent_at < ${ago(sql, retainMs)} limit ${limit ?? null}::bigint
          )`;
        return removed.count;
      }),
  };
}

async function claimEvents(
  sql: Sql,
  { limit, leaseMs }: { readonly limit: number; readonly leaseMs: number },
): Promise<OutboxEvent[]> {
  const rows = await sql<OutboxRow[]>`
    with due as (
      select seq as due_seq from outbox as oldest
      where sent_at is null and parked_at is null and next_attempt_at <= ${startOfStatement(sql)}
        and not exists (
          select 1 from outbox as earlier
          where earlier.node_id = oldest.node_id and earlier.sent_at is null and earlier.seq < oldest.seq
        )
      order by next_attempt_at, seq
      limit ${limit}
      for update of oldest skip locked
    )
    update outbox set attempts = attempts + 1, next_attempt_at = ${fromNow(sql, leaseMs)}
    from due where seq = due_seq
    returning seq::float8, event::text, attempts - 1 as attempts, delivered_to::text`;
  return outboxEventsOf(rows);
}

function outcomeOf(sql: Sql, outcome: DeliveryOutcome): Fragment {
  if (outcome.kind === 'sent') {
    return sql`sent_at = clock_timestamp(), parked_at = null, last_error = null`;
  }
  return sql`next_attempt_at = ${fromNow(sql, outcome.afterMs)}, last_error = ${outcome.lastError},
    delivered_to = ${JSON.stringify(outcome.deliveredTo)}::text::json,
    parked_at = ${outcome.kind === 'parked' ? sql`clock_timestamp()` : sql`parked_at`}`;
}

async function statusOf(sql: Sql): Promise<OutboxStatus> {
  const [unsent] = await sql<{ count: number; parked_count: number; age_ms: number | null }[]>`
    select count(*)::float8 as count, count(parked_at)::float8 as parked_count,
      floor(extract(epoch from clock_timestamp() - min(written_at)) * 1000)::float8 as age_ms
    from outbox where sent_at is null`;
  const parked = await sql<ParkedRow[]>`
    select event_id::text, node_id::text, type, attempts, coalesce(last_error, '') as last_error
    from outbox where sent_at is null and parked_at is not null order by seq limit 100`;
  return {
    unsentCount: unsent?.count ?? 0,
    ...(typeof unsent?.age_ms === 'number' && { oldestUnsentAgeMs: unsent.age_ms }),
    parkedCount: unsent?.parked_count ?? 0,
    parked: parked.map(parkedEventOf),
  };
}

function chosenBy(sql: Sql, selection: ReplaySelection): Fragment {
  switch (selection.kind) {
    case 'parked':
      return sql`parked_at is not null`;
    case 'event':
      return sql`event_id = ${idOf(selection.eventId)}`;
    case 'since':
      return sql`written_at >= to_timestamp(${selection.sinceEpochMs}::float8 / 1000)`;
  }
}
