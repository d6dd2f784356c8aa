import type { OpenUploads, OpenUploadState } from '../ports/catalog.ts';

/** Open uploads of one state, as both databases tell them. */
export interface OpenUploadsRow {
  readonly state: OpenUploadState;
  readonly count: number;
  /** Of the oldest, where it is asked for. */
  readonly age_ms: number | null;
}

/** One row for each state; a state without a row has no uploads. */
export function openUploadsOf(rows: readonly OpenUploadsRow[]): OpenUploads {
  const counts = { PENDING: 0, UPLOADING: 0, COMPLETING: 0, ABORTING: 0 };
  for (const { state, count } of rows) counts[state] = count;
  const ageMs = rows.find(({ age_ms }) => age_ms !== null)?.age_ms;
  // The clock of the database may have been set back.
  return { counts, ...(typeof ageMs === 'number' && { oldestCompletingAgeMs: Math.max(0, ageMs) }) };
}
