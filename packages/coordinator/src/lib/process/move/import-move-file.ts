import type { Checksum } from '@longhaul/protocol';
import type { CoordinatorOptions } from '../../coordinator-options.ts';
import {
  type CatalogKind,
  type MovedBatch,
  type MoveOutcome,
  type MovedRow,
  MoveRefusedError,
  type MoveTarget,
} from '../../ports/catalog-move.ts';
import type { StoredPart } from '../../ports/object-store.ts';
import { restoreParts } from '../../restore-parts.ts';
import type { Secret } from '../../secret.ts';
import { checkMoveFile, type MoveHeader, readMoveLines } from './move-file.ts';
import { createMoveTally, type MoveTally } from './move-tally.ts';
import { createProgress } from './progress.ts';
import { tokenKeyCheck } from './token-key-check.ts';

/** Where a file is moved to. */
export interface ImportPlace {
  readonly options: CoordinatorOptions;
  readonly target: MoveTarget;
  readonly tokenKeys: readonly Secret[];
  readonly note: (line: string) => void;
}

/** What was moved, or would be. */
export interface ImportReport
  extends MoveOutcome, Pick<MoveTally, 'openUploads' | 'keyedUploads' | 'unsentEvents'> {
  readonly dryRun: boolean;
  readonly installationId: string;
  readonly restoredUploads: number;
  readonly restoredParts: number;
}

/**
 * Moves a file in: first it is read to its end, then its rows are taken in one transaction, then hot state hears of parts.
 * What has failed on the way is repeated as a whole.
 *
 * @throws MoveRefusedError when something would be lost or mixed up; nothing was changed then
 */
export async function importMoveFile(
  place: ImportPlace,
  { path, dryRun }: { readonly path: string; readonly dryRun: boolean },
): Promise<ImportReport> {
  const tally = createMoveTally();
  const header = await checkMoveFile(path, tally.add);
  assertStoodStill(header, dryRun);
  assertTokenKeys(header, place.tokenKeys);
  const { buckets, openUploads, keyedUploads, unsentEvents } = tally.total();
  noteOtherBuckets(place, buckets);
  // Before anything is written: parts that hot state does not hear of would be asked of the store, one listing each.
  await place.options.state.ping();

  const { installationId, installationCreatedAtEpochMs: createdAtEpochMs } = header;
  const { nodes, events } = header.counts;
  const progress = createProgress(place.note, 'Taken', nodes + events);
  const outcome = await place.target.take({ installationId, createdAtEpochMs }, batchesOf(path, progress), {
    dryRun,
  });
  const restored = dryRun ? { restoredUploads: 0, restoredParts: 0 } : await restoreAll(place, path, header);
  return { dryRun, installationId, ...outcome, openUploads, keyedUploads, unsentEvents, ...restored };
}

function assertStoodStill({ whileServing }: MoveHeader, dryRun: boolean): void {
  if (!whileServing || dryRun) return;
  throw new MoveRefusedError(
    'the file was written with --while-serving, and what was done since then is not in it. Stop the coordinator there and ' +
      'export again, or add --dry-run.',
  );
}

/** Clients bring tokens until theirs are renewed, so all keys that have signed must be known. */
function assertTokenKeys({ tokenKeyChecks, installationId }: MoveHeader, tokenKeys: readonly Secret[]): void {
  const here = new Set(tokenKeys.map((key) => tokenKeyCheck(key, installationId)));
  const missing = tokenKeyChecks.filter((check) => !here.has(check)).length;
  if (missing === 0) return;
  throw new MoveRefusedError(
    `${missing} of ${tokenKeyChecks.length} token key(s) of the old place are not among LONGHAUL_TOKEN_KEYS, and clients of ` +
      'open uploads would be turned away. Add them: LONGHAUL_TOKEN_KEYS of the old place, or the content of the file ' +
      'beside its SQLite file whose name ends in .token-key.',
  );
}

function noteOtherBuckets({ options, note }: ImportPlace, buckets: readonly string[]): void {
  const others = buckets.filter((bucket) => bucket !== options.objectStore.bucket);
  if (others.length === 0) return;
  note(
    `There are open uploads to ${others.join(', ')}, and S3_BUCKET is ${options.objectStore.bucket}: nobody here looks after them.`,
  );
}

/** Rows that one statement takes. */
const BATCH_ROWS = 500;

async function* batchesOf(path: string, progress: { add(rows: number): void }): AsyncGenerator<MovedBatch> {
  let waiting: { kind: CatalogKind; rows: MovedRow[] } | undefined;
  for await (const { kind, row } of readMoveLines(path)) {
    if (waiting && (waiting.kind !== kind || waiting.rows.length === BATCH_ROWS)) {
      progress.add(waiting.rows.length);
      yield waiting;
      waiting = undefined;
    }
    if (kind === 'parts') continue;
    waiting ??= { kind, rows: [] };
    waiting.rows.push(row);
  }
  if (waiting) yield waiting;
}

type Restored = Pick<ImportReport, 'restoredUploads' | 'restoredParts'>;

/** The parts of an upload stand together. */
async function restoreAll(place: ImportPlace, path: string, { counts }: MoveHeader): Promise<Restored> {
  const progress = createProgress(place.note, 'Told to Redis', counts.parts);
  let restoredUploads = 0;
  let uploadId: string | undefined;
  let parts: StoredPart[] = [];
  const flush = async (): Promise<void> => {
    if (uploadId === undefined) return;
    await restoreParts(place.options, uploadId, parts);
    restoredUploads += 1;
    progress.add(parts.length);
    parts = [];
  };
  for await (const { kind, row } of readMoveLines(path)) {
    if (kind !== 'parts') continue;
    const id = String(row['document_id']);
    if (id !== uploadId) await flush();
    uploadId = id;
    parts.push(partOf(row));
  }
  await flush();
  return { restoredUploads, restoredParts: counts.parts };
}

function partOf({ part_number, size_bytes, etag, checksum }: MovedRow): StoredPart {
  return {
    partNumber: Number(part_number),
    sizeBytes: Number(size_bytes),
    etag: String(etag),
    ...(typeof checksum === 'string' && { checksum: JSON.parse(checksum) as Checksum }),
  };
}
