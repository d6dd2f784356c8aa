import type { DeliveryOutcome, Outbox, OutboxStatus, ReplaySelection } from '../../ports/outbox.ts';
import { outboxEventsOf, type OutboxRow, parkedEventOf, type ParkedRow } from '../upload-event-row.ts';
import { attempt } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** The outbox over an open file. */
export function outboxOf(database: SqliteDatabase): Outbox {
  return {
    claim: ({ limit, leaseMs }) =>
      attempt('claim events', () =>
        outboxEventsOf(database.write(() => database.all<OutboxRow>(CLAIM, { limit, leaseMs }))),
      ),
    settle: (eventId, outcome) => attempt('settle an event', () => settle(database, eventId, outcome)),
    status: () => attempt('tell the state of its outbox', () => statusOf(database)),
    replay: (selection) => attempt('replay events', () => replay(database, selection)),
    // SQLite takes a negative limit for none.
    removeSent: (retainMs, limit = -1) =>
      attempt('remove sent events', () =>
        database.write(() =>
          database.change(
            `DELETE FROM outbox WHERE seq IN (
               SELECT seq FROM outbox WHERE sent_at < ${CLOCK_MS} - :retainMs LIMIT :limit
             )`,
            { retainMs, limit },
          ),
        ),
      ),
  };
}

const CLAIM = `
  UPDATE outbox SET attempts = attempts + 1, next_attempt_at = ${CLOCK_MS} + :leaseMs
  WHERE seq IN (
    SELECT seq FROM outbox AS oldest
    WHERE sent_at IS NULL AND parked_at IS NULL AND next_attempt_at <= ${CLOCK_MS}
      AND NOT EXISTS (
        SELECT 1 FROM outbox AS earlier
        WHERE earlier.node_id = oldest.node_id AND earlier.sent_at IS NULL AND earlier.seq < oldest.seq
      )
    ORDER BY next_attempt_at, seq
    LIMIT :limit
  )
  RETURNING seq, event, attempts - 1 AS attempts, delivered_to`;

function settle(database: SqliteDatabase, eventId: string, outcome: DeliveryOutcome): void {
  const set =
    outcome.kind === 'sent'
      ? `sent_at = ${CLOCK_MS}, parked_at = NULL, last_error = NULL`
      : `next_attempt_at = ${CLOCK_MS} + :afterMs, delivered_to = :deliveredTo, last_error = :lastError
         ${outcome.kind === 'parked' ? `, parked_at = ${CLOCK_MS}` : ''}`;
  const values =
    outcome.kind === 'sent'
      ? {}
      : {
          afterMs: outcome.afterMs,
          deliveredTo: JSON.stringify(outcome.deliveredTo),
          lastError: outcome.lastError,
        };
  database.write(() =>
    database.run(`UPDATE outbox SET ${set} WHERE event_id = :eventId AND sent_at IS NULL`, {
      eventId,
      ...values,
    }),
  );
}

function statusOf(database: SqliteDatabase): OutboxStatus {
  const unsent = database.get<{ count: number; parked_count: number; age_ms: number | null }>(
    `SELECT count(*) AS count, count(parked_at) AS parked_count, ${CLOCK_MS} - min(written_at) AS age_ms
     FROM outbox WHERE sent_at IS NULL`,
  );
  const parked = database.all<ParkedRow>(
    `SELECT event_id, node_id, type, attempts, coalesce(last_error, '') AS last_error
     FROM outbox WHERE sent_at IS NULL AND parked_at IS NOT NULL ORDER BY seq LIMIT 100`,
  );
  return {
    unsentCount: unsent?.count ?? 0,
    ...(typeof unsent?.age_ms === 'number' && { oldestUnsentAgeMs: unsent.age_ms }),
    parkedCount: unsent?.parked_count ?? 0,
    parked: parked.map(parkedEventOf),
  };
}

function replay(database: SqliteDatabase, selection: ReplaySelection): number {
  const { where, values } = chosenBy(selection);
  return database.write(() =>
    database.change(
      `UPDATE outbox SET sent_at = NULL, parked_at = NULL, last_error = NULL,
         attempts = 0, delivered_to = '[]', next_attempt_at = ${CLOCK_MS}
       WHERE (sent_at IS NOT NULL OR parked_at IS NOT NULL) AND ${where}`,
      values,
    ),
  );
}

function chosenBy(selection: ReplaySelection): { where: string; values: Record<string, string | number> } {
  switch (selection.kind) {
    case 'parked':
      return { where: 'parked_at IS NOT NULL', values: {} };
    case 'event':
      return { where: 'event_id = :eventId', values: { eventId: selection.eventId } };
    case 'since':
      return { where: 'written_at >= :sinceEpochMs', values: { sinceEpochMs: selection.sinceEpochMs } };
  }
}
