import type { Catalog, UploadRecord } from '@longhaul/coordinator';
import { UPLOAD_EVENT_TYPES, type UploadEventType, type UploadState } from '@longhaul/protocol';
import type { Client, Told } from './actors/client.ts';
import { contentOf, type SimulatedFile } from './actors/source.ts';
import type { History } from './history.ts';
import { isSameContent, type SimulatedS3 } from './store/simulated-s3.ts';

/** A schedule that is over. */
export interface Outcome {
  readonly history: History;
  readonly catalog: Catalog;
  readonly s3: SimulatedS3;
  readonly clients: readonly Client[];
  readonly foreign: Foreign;
}

/** What another program keeps in the same bucket. */
export interface Foreign {
  readonly objects: readonly string[];
  readonly uploads: readonly {
    readonly key: string;
    readonly s3UploadId: string;
    readonly partCount: number;
  }[];
}

/** Told of once for each rotation: see check-rotations.ts. */
const ROTATED = UPLOAD_EVENT_TYPES.rotated;

const TYPES: Partial<Record<UploadState, UploadEventType>> = {
  COMPLETED: UPLOAD_EVENT_TYPES.completed,
  CANCELLED: UPLOAD_EVENT_TYPES.cancelled,
  EXPIRED: UPLOAD_EVENT_TYPES.expired,
  FAILED: UPLOAD_EVENT_TYPES.failed,
};

/** Looks at what is left when everything has ended; each thing that must not be is a violation. */
export async function checkOutcome(outcome: Outcome): Promise<void> {
  const { history, catalog, clients } = outcome;
  const rows = new Map<string, UploadRecord>();
  for (const uploadId of history.uploadIds) {
    const row = await catalog.find(uploadId);
    if (!row) history.violate(`${uploadId} has no row any more`);
    else {
      rows.set(uploadId, row);
      checkRow(outcome, row);
      checkEvents(history, row);
    }
  }
  for (const client of clients) {
    checkClient(outcome, rows, client);
    checkPersistence(history, client);
  }
  checkForeign(outcome);
  const { unsentCount } = await catalog.outbox.status();
  if (unsentCount > 0) history.violate(`${unsentCount} events were never told`);
}

function checkRow(outcome: Outcome, row: UploadRecord): void {
  const { history, s3 } = outcome;
  const { state, s3Key: key } = row;
  const name = nameOf(row);
  if (!TYPES[state]) return history.violate(`${name} has not ended: ${row.lastError ?? 'nothing is said'}`);
  if (row.nextAttemptAtEpochMs !== undefined) history.violate(`${name} has ended and is still due`);
  // A rotation that waits for its keys has one under a key that begins like this one.
  if (s3.listUploads(key).some((upload) => upload.key === key))
    history.violate(`${name} has left an upload open at the store`);
  if (state === 'COMPLETED') checkObject(outcome, row);
  else checkNothingLeft(outcome, row);
}

function checkNothingLeft({ history, s3 }: Outcome, row: UploadRecord): void {
  const { uploadId, state, mode, s3Key: key } = row;
  if (s3.versionsOf(key) > 0) history.violate(`${nameOf(row)} has left an object at its key`);
  // A payload travels inside the call: lost on its way to the store, nobody has it any more.
  const isLost = mode === 'inline' && !history.everStored.has(uploadId);
  if (state === 'FAILED' && !isLost && !history.doomed.has(uploadId)) {
    history.violate(`${nameOf(row)} has failed without a cause: ${row.lastError ?? ''}`);
  }
}

function checkObject({ history, s3, clients }: Outcome, row: UploadRecord): void {
  const { s3Key: key } = row;
  const name = nameOf(row);
  const objectCount = s3.versionsOf(key);
  if (objectCount !== 1) history.violate(`${name} has ${objectCount} objects at its key`);
  const head = s3.head(key);
  if (head?.etag !== row.etag || head?.versionId !== row.versionId) {
    history.violate(`${name} names ${row.etag}, the store holds ${head?.etag}`);
  }
  const content = s3.read(key);
  const files = clients.flatMap(({ plan: { file } }) => (file.name === row.name ? versionsOf(file) : []));
  const isRight = content && files.some((one) => isSameContent(content, contentOf(one)));
  if (!isRight) history.violate(`${name} holds ${content ? 'other bytes' : 'nothing'}`);
}

function nameOf({ uploadId, mode, state }: UploadRecord): string {
  return `${uploadId} (${mode}, ${state})`;
}

/** A file before and after it was changed, and before it was edited. Each is right, a mixture is not. */
function versionsOf(file: SimulatedFile): SimulatedFile[] {
  const editions = file.isEdited ? [file, { ...file, isEdited: false }] : [file];
  return editions.flatMap((one) =>
    ['/0', '/1'].map((version) => ({ ...one, contentId: file.contentId.replace(/\/\d$/, version) })),
  );
}

function checkEvents(history: History, { uploadId, state }: UploadRecord): void {
  const [etag] = history.etags.get(uploadId) ?? [];
  const type = TYPES[state];
  if (!type) return;
  const events = (history.events.get(uploadId) ?? []).filter(({ type: told }) => told !== ROTATED);
  if (events.length === 0) history.violate(`nobody was told that ${uploadId} is ${state}`);
  if (new Set(events.map((event) => event.id)).size > 1)
    history.violate(`${uploadId} has more than one event`);
  for (const event of events) {
    if (event.type !== type) history.violate(`${uploadId} is ${state}, its event says ${event.type}`);
    if (event.data.etag !== etag)
      history.violate(`the event of ${uploadId} names ${event.data.etag}, it ended as ${etag}`);
  }
}

/** Refusals that are no fault of the coordinator's, or that ask for another try. */
const REPEATABLE =
  /^(COORDINATOR_UNREACHABLE|STORE_UNREACHABLE|STORE_REFUSED|COORDINATOR_REFUSED (catalog-unavailable|state-unavailable|store-unreachable|store-refused|parts-missing|parts-differ|completion-refused|upload-pending|upload-completing)$)/;

/** What is told of a stream that breaks off. */
const BROKEN = /^(SOURCE_FAILED|SIZE_MISMATCH)$/;

function checkClient(
  { history, s3 }: Outcome,
  rows: ReadonlyMap<string, UploadRecord>,
  client: Client,
): void {
  for (const told of client.told) {
    const row = rows.get((told.kind === 'completed' ? told.result.uploadId : told.uploadId) ?? '');
    const lie = lieIn(history, told, row, client);
    if (lie !== undefined) history.violate(`${client.plan.name} was told ${told.kind}: ${lie}`);
    if (told.kind !== 'completed' || !row) continue;
    const content = s3.read(row.s3Key);
    // Who cancels too late is told of the object that stands there, whoever's: nobody reads a file once more for that.
    const isLate = client.plan.cancelAfterMs !== undefined;
    const editions = [true, false].map((isEdited) => ({ ...told.file, isEdited }));
    const mine = isLate ? editions : [told.file];
    if (!content || !mine.some((one) => isSameContent(content, contentOf(one)))) {
      history.violate(`${client.plan.name} was told that its file is stored, and it is not`);
    }
  }
}

/** Who neither goes away nor changes its mind has its file stored in the end. */
function checkPersistence(history: History, { plan, told, hasGivenUp, isWaiting }: Client): void {
  const persists = !plan.abandons && plan.cancelAfterMs === undefined && plan.changeAfterMs === undefined;
  if (!persists || told.at(-1)?.kind === 'completed') return;
  const last = told.at(-1);
  // Who waits for what nobody can tell yet may go away before it is told.
  if (hasGivenUp && isWaiting) return;
  const words = last?.kind === 'error' ? last.code : 'nothing';
  history.violate(
    `${plan.name} ${hasGivenUp ? 'waited for ever' : 'tried to the end'}, and was told ${words}`,
  );
}

/** What is untrue in what a client was told. */
function lieIn(
  history: History,
  told: Told,
  row: UploadRecord | undefined,
  { plan }: Client,
): string | undefined {
  const isStored = row?.state === 'COMPLETED';
  if (told.kind === 'completed') {
    // It may have been rotated since.
    const isRight = isStored && history.etags.get(row.uploadId)?.includes(told.result.etag);
    return isRight ? undefined : `its row is ${row?.state} ${row?.etag}`;
  }
  const code = told.kind === 'cancelled' ? 'UPLOAD_ENDED' : told.code;
  return isTrue(code, isStored, plan) ? undefined : `${code}, its row is ${row?.state}`;
}

function isTrue(code: string, isStored: boolean, { changeAfterMs, stream }: Client['plan']): boolean {
  if (code.startsWith('UPLOAD_ENDED')) return !isStored;
  if (BROKEN.test(code)) return stream?.breaks !== undefined && !isStored;
  return code === 'FILE_CHANGED' ? changeAfterMs !== undefined : REPEATABLE.test(code);
}

function checkForeign({ history, s3, foreign }: Outcome): void {
  for (const key of foreign.objects) {
    if (!s3.head(key)) history.violate(`the object ${key} of somebody else is gone`);
  }
  for (const { key, s3UploadId, partCount } of foreign.uploads) {
    if (s3.listParts({ key, s3UploadId })?.length !== partCount) {
      history.violate(`the upload of ${key} of somebody else was touched`);
    }
  }
}
