import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';

/** Tells the catalog that an upload is alive, without a write for every call, and without anybody waiting for it. */
export type NoteActivity = (upload: { readonly uploadId: string; readonly createdAtEpochMs: number }) => void;

/** What noting takes. */
export interface ActivityInput {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly idleLimitMs: number;
  readonly onError: (error: unknown) => void;
}

const MAX_REMEMBERED = 10_000;
/** A catalog that could not be told is left alone this long, so that an outage costs a call a minute. */
const RETRY_AFTER_MS = 60_000;

/**
 * The catalog moves an upload's expiry once half its span is gone, so telling it eight times in that span is plenty.
 * What is remembered is only when this process told it last; forgetting costs one more write.
 */
export function createActivityNotes({ catalog, clock, idleLimitMs, onError }: ActivityInput): NoteActivity {
  const tellAtEpochMs = new Map<string, number>();
  return ({ uploadId, createdAtEpochMs }) => {
    const now = clock.nowEpochMs();
    // A new upload has its whole span before it: there is nothing to move.
    if (now < (tellAtEpochMs.get(uploadId) ?? createdAtEpochMs + idleLimitMs / 8)) return;
    if (tellAtEpochMs.size >= MAX_REMEMBERED) tellAtEpochMs.clear();
    tellAtEpochMs.set(uploadId, now + idleLimitMs / 8);
    catalog.recordActivity(uploadId).catch((error: unknown) => {
      tellAtEpochMs.set(uploadId, now + RETRY_AFTER_MS);
      onError(error);
    });
  };
}
