import type { MoveLine } from './move-file.ts';

/** What a person wants to know of the rows of a move. */
export interface MoveTally {
  readonly nodes: number;
  readonly rotations: number;
  readonly events: number;
  readonly parts: number;
  readonly openUploads: number;
  /** Open ones with a key that only their clients have. */
  readonly keyedUploads: number;
  /** Events that nobody was told of yet, parked ones included. */
  readonly unsentEvents: number;
  /** Buckets of open uploads. */
  readonly buckets: readonly string[];
}

/** Counts rows as they go by. */
export function createMoveTally(): { add(line: MoveLine): void; total(): MoveTally } {
  const counts = {
    nodes: 0,
    rotations: 0,
    events: 0,
    parts: 0,
    openUploads: 0,
    keyedUploads: 0,
    unsentEvents: 0,
  };
  const buckets = new Set<string>();
  return {
    add({ kind, row }) {
      counts[kind] += 1;
      if (kind === 'events' && row['sent_at'] === null) counts.unsentEvents += 1;
      if (kind !== 'nodes' || !OPEN.has(String(row['upload_state']))) return;
      counts.openUploads += 1;
      if (isKeyed(row['encryption'])) counts.keyedUploads += 1;
      buckets.add(String(row['bucket']));
    },
    total: () => ({ ...counts, buckets: [...buckets] }),
  };
}

const OPEN = new Set(['PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING']);

function isKeyed(encryption: string | number | null | undefined): boolean {
  return typeof encryption === 'string' && (JSON.parse(encryption) as { mode?: string }).mode === 'sse-c';
}
