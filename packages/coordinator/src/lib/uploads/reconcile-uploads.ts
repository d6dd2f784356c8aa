import type { UploadState } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { OpenMultipart, OpenMultipartMarker } from '../ports/object-store.ts';
import type { RotationRecord } from '../ports/rotations.ts';
import type { UploadContext } from './context.ts';
import { keyPrefix } from './key-template.ts';

/** What a multipart upload at the store is to the catalog. */
export type OpenUploadVerdict =
  /** A row that takes parts, or will, has this id. */
  | 'open'
  /** A row is being completed or aborted, or rotated under this key: whoever drives it will end this. */
  | 'driven'
  /** Its key belongs to a row that has another id: a create was repeated. */
  | 'stray'
  /** Its row has ended without an object. */
  | 'ended'
  /** Its row is complete; the store lists it all the same. Never touched. */
  | 'completed'
  /** No row has this key. */
  | 'unknown';

/** One multipart upload that the store lists. */
export interface ReconciledUpload extends OpenMultipart {
  readonly verdict: OpenUploadVerdict;
  readonly aborted: boolean;
}

/** What the store holds, beside what the catalog knows. */
export interface ReconcileReport {
  readonly installationId: string;
  readonly catalogCreatedAtEpochMs: number;
  /** What was listed. */
  readonly prefix: string;
  /** The prefix carries the installation's id, so that nobody else writes under it. */
  readonly exclusive: boolean;
  /** How many there are of each, and how many were ended. */
  readonly counts: Readonly<Record<OpenUploadVerdict | 'aborted', number>>;
  /** The first 10,000 of them. */
  readonly uploads: readonly ReconciledUpload[];
}

/** What is kept of a long list, so that a bucket of any size fits the memory. */
const MOST_TOLD = 10_000;

/** What no row knows is left alone this long: a restored database may be a few days behind the store. */
const UNKNOWN_AFTER_MS = 7 * 24 * 3600 * 1000;

/**
 * Compares the store's unfinished uploads with the catalog. Reports; ends something only if told to, and only what is
 * provably nobody's: under a prefix that carries this installation's id, not older than its catalog, of a row that
 * has ended without an object or knows another id, or for a week of no row at all.
 *
 * @throws CoordinatorError `bad-request` when it shall abort and the prefix may be shared; ObjectStoreError
 */
export async function reconcileUploads(context: UploadContext, abort: boolean): Promise<ReconcileReport> {
  const { installationId, createdAtEpochMs: catalogCreatedAtEpochMs } = await context.installation();
  const { prefix, exclusive } = await keyPrefix(context);
  if (abort && !exclusive) {
    throw new CoordinatorError(
      'bad-request',
      `Other programs may write under "${prefix}", so nothing is aborted there. Put {installationId} into the key template, before {connectorId} and {nodeId}.`,
    );
  }
  const counts = { open: 0, driven: 0, stray: 0, ended: 0, completed: 0, unknown: 0, aborted: 0 };
  const uploads: ReconciledUpload[] = [];
  for await (const page of pagesUnder(context, prefix)) {
    const rows = await rowsOf(context, page);
    const copies = await copiesOf(context, page);
    for (const upload of page) {
      const verdict = judge(upload, rows.get(upload.key), copies.get(upload.key));
      const aborted =
        abort &&
        isNobodys(verdict, upload, { catalogCreatedAtEpochMs, nowEpochMs: context.clock.nowEpochMs() });
      if (aborted) await context.objectStore.abortMultipartUpload(upload);
      counts[verdict] += 1;
      if (aborted) counts.aborted += 1;
      if (uploads.length < MOST_TOLD) uploads.push({ ...upload, verdict, aborted });
    }
  }
  return { installationId, catalogCreatedAtEpochMs, prefix, exclusive, counts, uploads };
}

async function* pagesUnder(
  { objectStore }: UploadContext,
  prefix: string,
): AsyncGenerator<readonly OpenMultipart[]> {
  for (let after: OpenMultipartMarker | undefined; ;) {
    const { uploads, next } = await objectStore.listMultipartUploadsPage({
      prefix,
      ...(after && { after }),
    });
    yield uploads;
    if (!next) return;
    after = next;
  }
}

async function rowsOf(
  { catalog }: UploadContext,
  open: readonly OpenMultipart[],
): Promise<ReadonlyMap<string, UploadRecord>> {
  const records = await catalog.findByKeys([...new Set(open.map(({ key }) => key))]);
  return new Map(records.map((record) => [record.s3Key, record]));
}

/** Rotations whose copies have these keys. */
async function copiesOf(
  { catalog }: UploadContext,
  open: readonly OpenMultipart[],
): Promise<ReadonlyMap<string, RotationRecord>> {
  const rotations = await catalog.rotations.findByKeys([...new Set(open.map(({ key }) => key))]);
  return new Map(rotations.map((rotation) => [rotation.s3Key, rotation]));
}

function judge(
  { s3UploadId }: OpenMultipart,
  row: UploadRecord | undefined,
  copy: RotationRecord | undefined,
): OpenUploadVerdict {
  // Whatever is due of it, a driver will do; what has failed beyond that has left nothing that anybody waits for.
  if (copy && copy.nextAttemptAtEpochMs !== undefined) return 'driven';
  if (!row) return copy ? 'ended' : 'unknown';
  const { own, others } = VERDICTS[row.state];
  const verdict = row.s3UploadId === s3UploadId ? own : others;
  // An attempt with an unknown end may still be at work; the sweeper waits it out.
  return row.state === 'FAILED' && row.nextAttemptAtEpochMs !== undefined ? 'driven' : verdict;
}

/** By the state of the row: what its own multipart upload is, and what others under its key are. */
const VERDICTS: Readonly<
  Record<UploadState, { readonly own: OpenUploadVerdict; readonly others: OpenUploadVerdict }>
> = {
  // Its create may be on the way to writing this very id down.
  PENDING: { own: 'open', others: 'open' },
  UPLOADING: { own: 'open', others: 'stray' },
  COMPLETING: { own: 'driven', others: 'stray' },
  COMPLETED: { own: 'completed', others: 'stray' },
  ABORTING: { own: 'driven', others: 'driven' },
  CANCELLED: { own: 'ended', others: 'ended' },
  EXPIRED: { own: 'ended', others: 'ended' },
  FAILED: { own: 'ended', others: 'ended' },
};

function isNobodys(
  verdict: OpenUploadVerdict,
  { initiatedAtEpochMs }: OpenMultipart,
  {
    catalogCreatedAtEpochMs,
    nowEpochMs,
  }: { readonly catalogCreatedAtEpochMs: number; readonly nowEpochMs: number },
): boolean {
  // A listing tells whole seconds.
  if (initiatedAtEpochMs < Math.floor(catalogCreatedAtEpochMs / 1000) * 1000) return false;
  if (verdict === 'unknown') return nowEpochMs - initiatedAtEpochMs > UNKNOWN_AFTER_MS;
  return verdict === 'stray' || verdict === 'ended';
}
