import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';

/** Tells the catalog that an upload is alive, without a write for every call. */
export type NoteActivity = (uploadId: string) => Promise<void>;

const MAX_REMEMBERED = 10_000;

/**
 * The catalog moves an upload's expiry once half its span is gone, so telling it eight times in that span is plenty.
 * What is remembered is only when this process told it last; forgetting costs one more write.
 */
export function createActivityNotes(catalog: Catalog, clock: Clock, idleLimitMs: number): NoteActivity {
  const toldAtEpochMs = new Map<string, number>();
  return async (uploadId) => {
    const now = clock.nowEpochMs();
    if (now - (toldAtEpochMs.get(uploadId) ?? Number.NEGATIVE_INFINITY) < idleLimitMs / 8) return;
    if (toldAtEpochMs.size >= MAX_REMEMBERED) toldAtEpochMs.clear();
    await catalog.recordActivity(uploadId);
    toldAtEpochMs.set(uploadId, now);
  };
}
