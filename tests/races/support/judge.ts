import { createHash } from 'node:crypto';
import type { UploadState } from '@longhaul/protocol';
import type { ClientUpload } from './client.ts';
import type { Cluster } from './cluster.ts';
import { collectGarbage } from './collect-garbage.ts';

/** An upload after its race, with what its clients were told. */
export interface Raced {
  readonly upload: ClientUpload;
  /** States that answers named as the end, and the results that came with COMPLETED. */
  readonly answers: readonly { readonly state: UploadState; readonly result?: object }[];
}

/** How many uploads ended how, and whatever should not be. */
export interface Judgement {
  readonly ends: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

interface Row {
  readonly state: UploadState;
  readonly etag: string | null;
  readonly s3_upload_id: string | null;
  readonly events: string[] | null;
}

/** A success that the store takes back later, or that nobody was told of, is none: looks at everything after the GC. */
export async function judge(cluster: Cluster, raced: readonly Raced[]): Promise<Judgement> {
  await collectGarbage(cluster.kind);
  const ends: Record<string, number> = {};
  const failures: string[] = [];
  for (const each of raced) {
    const { uploadId, mode } = each.upload;
    const row = await rowOf(cluster, uploadId);
    const end = `${mode} ${row.state}`;
    ends[end] = (ends[end] ?? 0) + 1;
    const wrong = [
      ...(await wrongAtStore(cluster, each.upload, row)),
      ...wrongAnswers(each, row),
      ...wrongEvents(cluster, uploadId, row),
    ];
    failures.push(...wrong.map((what) => `${mode} ${uploadId} is ${row.state}, but ${what}`));
  }
  const open = await cluster.store.objectStore.listMultipartUploads({ prefix: 'connectors/' });
  failures.push(...open.map(({ key }) => `${key} is still listed as open`));
  return { ends, failures };
}

async function rowOf({ sql }: Cluster, uploadId: string): Promise<Row> {
  const rows = await sql<Row[]>`
    select upload_state as state, s3_etag as etag, s3_upload_id,
      (select json_agg(type order by seq) from outbox where node_id = document_id) as events
    from nodes where document_id = ${uploadId}`;
  const [row, ...others] = rows;
  if (!row || others.length > 0) throw new Error(`upload ${uploadId} has ${rows.length} rows`);
  return row;
}

async function wrongAtStore(
  { store }: Cluster,
  { key, content }: ClientUpload,
  { state, s3_upload_id: s3UploadId }: Row,
): Promise<string[]> {
  const wrong: string[] = [];
  const stored = await hashOf(store, key);
  const expected = state === 'COMPLETED' ? createHash('sha256').update(content).digest('hex') : undefined;
  if (stored !== expected) {
    const had = stored === undefined ? 'no object can be read' : 'an object can be read';
    wrong.push(state === 'COMPLETED' && stored !== undefined ? 'its object is another' : had);
  }
  if (s3UploadId !== null && (await store.objectStore.listParts({ key, s3UploadId })) !== undefined)
    wrong.push('the store still has its parts');
  return wrong;
}

/** Reads every byte; `undefined` when the store has no object. */
async function hashOf({ hashOf: read }: Cluster['store'], key: string): Promise<string | undefined> {
  try {
    return await read(key);
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}

function wrongAnswers({ answers }: Raced, { state, etag }: Row): string[] {
  const told = new Set(answers.map((answer) => JSON.stringify(answer)));
  const results = new Set(answers.flatMap(({ result }) => (result ? [JSON.stringify(result)] : [])));
  return [
    ...[...told]
      .filter((answer) => !answer.startsWith(`{"state":"${state}"`))
      .map((answer) => `a client was told ${answer}`),
    ...(results.size > 1 ? [`clients were told ${results.size} results`] : []),
    ...[...results]
      .filter((result) => !result.includes(JSON.stringify(etag)))
      .map((result) => `the result is ${result}`),
  ];
}

function wrongEvents({ told }: Cluster, uploadId: string, { state, events }: Row): string[] {
  const expected = `io.longhaul.upload.${state.toLowerCase()}.v1`;
  const ids = new Set(told.filter(({ data }) => data.uploadId === uploadId).map(({ id }) => id));
  return [
    ...(events?.length === 1 && events[0] === expected ? [] : [`its events are ${events?.join(', ')}`]),
    ...(ids.size === 1 ? [] : [`listeners were told ${ids.size} events`]),
  ];
}
