import type { Lane } from './lane.ts';

/** How an upload has to end, whoever died on the way. */
export interface ExpectedEnd {
  readonly uploadId: string;
  readonly state: 'COMPLETED' | 'CANCELLED' | 'EXPIRED' | 'FAILED';
  /** SHA-256 (hex) of what was uploaded. */
  readonly sha256: string;
  /** What came of a rotation afterwards. */
  readonly rotation?: ExpectedRotation;
}

/** One that fails does so because somebody has taken the object away. */
export type ExpectedRotation =
  | { readonly state: 'DONE'; /** Opens the copy; base64. */ readonly customerKey?: string }
  | { readonly state: 'FAILED' };

/**
 * What is not yet as it has to be; `undefined` when all is well: exactly these rows, each at its end and due no more, its
 * bytes whole or gone, one event told of it, and nothing left open at the store.
 */
export async function findDisorder(lane: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  return (
    (await disorderOfRows(lane, ends)) ??
    (await disorderOfRotations(lane, ends)) ??
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

async function disorderOfRotations({ sql }: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  const rows = await sql<{ id: string; state: string; due: boolean; isCurrent: boolean }[]>`
    select rotations.document_id::text as id, state, rotations.next_attempt_at is not null as due,
      nodes.s3_key = rotations.s3_key as "isCurrent"
    from rotations join nodes using (document_id)`;
  const expected = ends.flatMap(({ uploadId, rotation }) => (rotation ? [{ uploadId, ...rotation }] : []));
  if (rows.length !== expected.length) return `${rows.length} rotations for ${expected.length}`;
  for (const { uploadId, state } of expected) {
    const row = rows.find(({ id }) => id === uploadId);
    if (row?.state !== state) return `the rotation is ${row?.state}, not ${state}`;
    if (row.due) return `the ${state} rotation is still due`;
    if (row.isCurrent !== (state === 'DONE')) return 'the row points at the other object';
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
  for (const end of ends) {
    const disorder = await disorderOfObject(lane, end, keys.get(end.uploadId) ?? '');
    if (disorder !== undefined) return disorder;
  }
  return undefined;
}

async function disorderOfObject(
  lane: Lane,
  { state, sha256, rotation }: ExpectedEnd,
  key: string,
): Promise<string | undefined> {
  const isThere = state === 'COMPLETED' && rotation?.state !== 'FAILED';
  const customerKey = rotation?.state === 'DONE' ? rotation.customerKey : undefined;
  const found = await lane.hashOf(key, customerKey);
  if (isThere && found !== sha256) return `the bytes are ${found ?? 'not there'}`;
  if (!isThere && found !== undefined) return `a ${state} upload has left an object`;
  return rotation && (await disorderOfCopies(lane, key, isThere));
}

/** Under the key of the object, or of its copy, stands that alone; nothing does where it is gone. */
async function disorderOfCopies(lane: Lane, key: string, isThere: boolean): Promise<string | undefined> {
  // The key of a copy begins with that of the object.
  const firstKey = key.replace(/\.\d+$/, '');
  const left = (await lane.keysUnder(firstKey)).filter((other) => !isThere || other !== key);
  if (left.length > 0) return `objects are left: ${left.join(', ')}`;
  // Some stores list what is open at a whole key, and nothing else.
  const open = await lane.objectStore.listMultipartUploads({ prefix: `${firstKey}.1` });
  return open.length > 0 ? 'a copy is open at the store' : undefined;
}

async function disorderOfEvents(lane: Lane, ends: readonly ExpectedEnd[]): Promise<string | undefined> {
  const messages = await lane.messages();
  for (const { uploadId, state, rotation } of ends) {
    const told = messages.filter(({ key }) => key === uploadId);
    const types = new Map(told.map(({ headers }) => [headers['ce_id'], headers['ce_type']]));
    const expected = [
      `io.longhaul.upload.${state.toLowerCase()}.v1`,
      ...(rotation?.state === 'DONE' ? ['io.longhaul.encryption.rotated.v1'] : []),
    ];
    if (String([...types.values()]) !== String(expected))
      return `the events are ${[...types.values()].join(', ') || 'none'}, not ${expected.join(', ')}`;
  }
  return undefined;
}
