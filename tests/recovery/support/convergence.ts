import type { Lane } from './lane.ts';

/** How an upload has to end, whoever died on the way. */
export interface ExpectedEnd {
  readonly uploadId: string;
  readonly state: 'COMPLETED' | 'CANCELLED' | 'EXPIRED' | 'FAILED';
  /** SHA-256 (hex) of what was uploaded. */
  readonly sha256: string;
}

/**
 * What is not yet as it has to be; `undefined` when all is well: exactly these rows, each at its end and due no more, its
 * bytes whole or gone, one event told of it, and nothing left open at the store.
 */
export async function findDisorder(lane: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  return (
    (await disorderOfRows(lane, ends)) ??
    (await disorderAtStore(lane, ends)) ??
    (await disorderOfEvents(lane, ends))
  );
}

interface EndedRow {
  readonly id: string;
  readonly state: string;
  readonly due: boolean;
  readonly unsent: number;
}

async function disorderOfRows({ sql }: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  const rows = await sql<EndedRow[]>`
    select document_id::text as id, upload_state as state, next_attempt_at is not null as due,
      (select count(*)::int from outbox where node_id = document_id and sent_at is null) as unsent
    from nodes`;
  if (rows.length !== ends.length) return `${rows.length} rows for ${ends.length} uploads`;
  for (const { uploadId, state } of ends) {
    const row = rows.find(({ id }) => id === uploadId);
    if (row?.state !== state) return `the row is ${row?.state}, not ${state}`;
    // A failed one stays due for a day, with what is open of it: an attempt may still be at work at the store.
    if (row.due && state !== 'FAILED') return `the ${state} row is still due`;
    if (row.unsent > 0) return 'its event is not sent';
  }
  return undefined;
}

async function disorderAtStore(lane: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  const rows = await lane.sql<{ uploadId: string; key: string }[]>`
    select document_id::text as "uploadId", s3_key as key from nodes`;
  const keys = new Map(rows.map(({ uploadId, key }) => [uploadId, key]));
  const later = ends.filter(({ state }) => state === 'FAILED').map(({ uploadId }) => keys.get(uploadId));
  const open = (await lane.objectStore.listMultipartUploads({ prefix: '' })).filter(
    ({ key }) => !later.includes(key),
  );
  if (open.length > 0) return `${open.length} multipart uploads are open at the store`;
  for (const { uploadId, state, sha256 } of ends) {
    const found = await lane.hashOf(keys.get(uploadId) ?? '');
    if (state === 'COMPLETED' && found !== sha256) return `the bytes are ${found ?? 'not there'}`;
    if (state !== 'COMPLETED' && found !== undefined) return `a ${state} upload has left an object`;
  }
  return undefined;
}

async function disorderOfEvents(lane: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  const messages = await lane.messages();
  for (const { uploadId, state } of ends) {
    const told = messages.filter(({ key }) => key === uploadId);
    const ids = new Set(told.map(({ headers }) => headers['ce_id']));
    if (ids.size !== 1) return `${ids.size} events were told`;
    const type = `io.longhaul.upload.${state.toLowerCase()}.v1`;
    if (told[0]?.headers['ce_type'] !== type)
      return `the event is ${told[0]?.headers['ce_type']}, not ${type}`;
  }
  return undefined;
}
