import type { UploadEvent } from '@longhaul/protocol';
import { CatalogError } from '../../ports/catalog.ts';
import { QuotaExceededError } from '../../ports/owner-quota.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { type NodeRow, RECORD_COLUMNS, recordOf } from '../node-row.ts';
import { type EndedRow, eventOf } from '../upload-event-row.ts';
import { CLOCK_MS, type SqliteDatabase, type SqlValues } from './sqlite-database.ts';

/** What to select or return so that a row can be read as a record. */
export const COLUMNS: string = RECORD_COLUMNS.join(', ');

/** A change of one row, made only where `where` still holds. */
export interface Edit {
  readonly set: string;
  readonly where: string;
  readonly values?: SqlValues;
}

/** Compare-and-set of one row. */
export function changeRow(database: SqliteDatabase, uploadId: string, edit: Edit): UploadRecord | undefined {
  const row = database.write(() =>
    database.get<NodeRow>(
      `UPDATE nodes SET ${edit.set}, updated_at = ${CLOCK_MS}
       WHERE document_id = :uploadId AND (${edit.where}) RETURNING ${COLUMNS}`,
      { uploadId, ...edit.values },
    ),
  );
  return row && recordOf(row);
}

/**
 * Compare-and-set of one row to a state that is an end, and the event that tells of it: both or neither. The edit sets
 * `updated_at` itself, to when the row ended.
 */
export function endRow(database: SqliteDatabase, uploadId: string, edit: Edit): UploadRecord | undefined {
  return database.write(() => {
    const row = database.get<EndedRow>(
      `UPDATE nodes SET ${edit.set}, event_written = 1
       WHERE document_id = :uploadId AND (${edit.where})
       RETURNING ${COLUMNS}, updated_at,
         (SELECT installation_id FROM longhaul_installation) AS installation_id`,
      { uploadId, ...edit.values },
    );
    if (!row) return undefined;
    writeEvent(database, uploadId, eventOf(row));
    return recordOf(row);
  });
}

/** Puts an event into the outbox, inside the transaction of what it tells of. */
export function writeEvent(database: SqliteDatabase, uploadId: string, event: UploadEvent): void {
  database.run(
    `INSERT INTO outbox (event_id, node_id, type, event, written_at, next_attempt_at)
     VALUES (:id, :uploadId, :type, :event, ${CLOCK_MS}, ${CLOCK_MS})`,
    { id: event.id, uploadId, type: event.type, event: JSON.stringify(event) },
  );
}

/** Runs the work; whatever SQLite throws becomes the cause of a {@link CatalogError}. */
export async function attempt<Result>(deed: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CatalogError || cause instanceof QuotaExceededError) throw cause;
    throw new CatalogError(`the SQLite catalog could not ${deed}`, { cause });
  }
}
