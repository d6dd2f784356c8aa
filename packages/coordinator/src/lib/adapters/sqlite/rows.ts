import { CatalogError, type UploadRecord } from '../../ports/catalog.ts';
import { type NodeRow, RECORD_COLUMNS, recordOf } from '../node-row.ts';
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

/** Runs the work; whatever SQLite throws becomes the cause of a {@link CatalogError}. */
export async function attempt<Result>(deed: string, work: () => Result): Promise<Result> {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof CatalogError) throw cause;
    throw new CatalogError(`the SQLite catalog could not ${deed}`, { cause });
  }
}
