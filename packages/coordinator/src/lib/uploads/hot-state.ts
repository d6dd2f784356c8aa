import { fitsPlan } from '@longhaul/protocol';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { StoredPart } from '../ports/object-store.ts';
import { type HotUpload, StateStoreError } from '../ports/state-store.ts';
import type { UploadContext } from './context.ts';
import { checksumBy, declaredAlgorithm } from './upload-checksum.ts';

/** The row of a multipart upload that the store knows of. */
export type OpenRecord = UploadRecord & { readonly s3UploadId: string };

/** A multipart upload that the store knows of, in whatever state. */
export function isOpenAtStore(record: UploadRecord): record is OpenRecord {
  return record.mode === 'multipart' && record.s3UploadId !== undefined;
}

/**
 * Hot state is a cache: while it cannot be reached, uploads go on from the catalog and from the store's listing, only
 * slower. The failure is told, and `instead` is the answer.
 */
export async function orWithoutState<Value, Instead>(
  { onError }: UploadContext,
  asked: Promise<Value>,
  instead: Instead,
): Promise<Value | Instead> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof StateStoreError)) throw error;
    onError(error);
    return instead;
  }
}

/** Parts that hot state knows of; what it has lost is for the store's listing to tell. */
export async function knownParts(context: UploadContext, uploadId: string): Promise<readonly StoredPart[]> {
  return await orWithoutState(context, context.state.parts(uploadId), []);
}

/** Forgets what hot state knows, before the parts are read again from the store. */
export async function forgetHot(context: UploadContext, uploadId: string): Promise<void> {
  await orWithoutState(context, context.state.remove(uploadId), undefined);
}

/** The hot record of an upload; `undefined` when it was lost, and for one that never has any: {@link rebuildHot}. */
export async function findHot(context: UploadContext, uploadId: string): Promise<HotUpload | undefined> {
  return await orWithoutState(context, context.state.find(uploadId), undefined);
}

/** What the store lists of an upload; `undefined`: it knows no such upload. */
export type Listing = readonly StoredPart[] | undefined;

/** Writes hot state with every part that the store lists. One rebuild of an upload at a time in this process. */
export async function rebuildHot(context: UploadContext, record: OpenRecord): Promise<Listing> {
  const running = context.rebuilds.get(record.uploadId);
  if (running) return await running;
  const rebuild = restoreListed(context, record);
  context.rebuilds.set(record.uploadId, rebuild);
  try {
    return await rebuild;
  } finally {
    context.rebuilds.delete(record.uploadId);
  }
}

async function restoreListed(context: UploadContext, record: OpenRecord): Promise<Listing> {
  const listed = await listFittingParts(context, record);
  await restoreHot(context, record, listed && isListingProof(context, record) ? listed : []);
  return listed;
}

/**
 * Whether a part that nobody has reported, and that the store lists with its right size, is there: its sender may have gone
 * away in the middle. A store that keeps what came says nothing by its listing, but where digests are compared.
 */
function isListingProof({ objectStore }: UploadContext, { checksumAlgorithm }: OpenRecord): boolean {
  return objectStore.profile.refusesCutBodies || checksumAlgorithm !== undefined;
}

/** Writes hot state with these parts, if the upload is still what the record says. */
export async function restoreHot(
  context: UploadContext,
  record: OpenRecord,
  parts: readonly StoredPart[],
): Promise<void> {
  const { uploadId } = record;
  await orWithoutState(context, context.state.restore(hotOf(record), parts.map(asReported)), undefined);
  // The upload may have moved on since it was read: what was restored must not open it again.
  const current = await context.catalog.find(uploadId);
  if (current?.state === 'COMPLETING') await closeHot(context, uploadId);
  else if (current?.state !== 'UPLOADING') await forgetHot(context, uploadId);
}

/** Takes no more parts of an upload whose row is COMPLETING: whoever wrote that down may not have lived to say so here. */
export async function closeHot(context: UploadContext, uploadId: string): Promise<void> {
  await orWithoutState(context, context.state.setStatus(uploadId, 'COMPLETING'), undefined);
}

/**
 * Opens hot state of an upload whose completion was refused, and writes these parts over those that it knows. It never
 * forgets them first: a listing without checksums alone cannot tell that a part was replaced by another of its size.
 */
export async function adoptHot(
  context: UploadContext,
  record: OpenRecord,
  parts: readonly StoredPart[],
): Promise<void> {
  await restoreHot(context, record, parts);
  await orWithoutState(context, context.state.record(record.uploadId, parts.map(asReported)), undefined);
}

/**
 * Lets no part stand for what its client has sent, while the row is COMPLETING: the store refuses a list with any of them
 * until it was sent again. Without this, whoever waits would complete what it has not sent: a failure is the caller's.
 */
export async function doubtHot(
  { state }: UploadContext,
  record: OpenRecord,
  parts: readonly StoredPart[],
): Promise<void> {
  const doubted = parts.map(({ partNumber, sizeBytes }) => ({ partNumber, sizeBytes, etag: NO_ETAG }));
  await state.remove(record.uploadId);
  await state.restore(hotOf(record), doubted);
}

/** Well formed, so that a store compares it, and of no part. */
const NO_ETAG = `"${'0'.repeat(32)}"`;

/** Hot state keeps the checksums that clients have told, and no others: what the store says of itself proves nothing. */
function asReported({ isListed, checksum, ...part }: StoredPart): StoredPart {
  return { ...part, ...(checksum && !isListed && { checksum }) };
}

/** Parts that the store lists and that have the size the plan gives them; others were never ours to count. */
export async function listFittingParts(context: UploadContext, record: OpenRecord): Promise<Listing> {
  const listed = await context.storeCalls(() =>
    context.objectStore.listParts({ key: record.s3Key, s3UploadId: record.s3UploadId }),
  );
  return listed?.filter((part) => fitsPlan(record.plan, part)).map((part) => ({ ...part, isListed: true }));
}

/**
 * Parts that hot state knows of; what the store has verified of those that nobody has reported is looked up there.
 *
 * @param list the store's listing, where the caller may need it too
 */
export async function knownWithChecksums(
  context: UploadContext,
  record: OpenRecord,
  list = async (): Promise<readonly StoredPart[]> => (await listFittingParts(context, record)) ?? [],
): Promise<readonly StoredPart[]> {
  const known = await knownParts(context, record.uploadId);
  const declared = declaredAlgorithm(record);
  const isBare = (part: StoredPart): boolean => !checksumBy(declared, part.checksum);
  if (!declared || !known.some(isBare)) return known;
  const byNumber = new Map((await list()).map((part) => [part.partNumber, part]));
  return known.map((part) => {
    const seen = byNumber.get(part.partNumber);
    return isBare(part) && seen?.etag === part.etag ? seen : part;
  });
}

/** What the hot path needs of a row. */
export function hotOf(record: OpenRecord): HotUpload {
  return {
    uploadId: record.uploadId,
    owner: record.owner,
    s3Key: record.s3Key,
    s3UploadId: record.s3UploadId,
    status: record.state,
    plan: record.plan,
    ...(record.encryption && { encryption: record.encryption }),
    ...(record.checksumAlgorithm && { checksumAlgorithm: record.checksumAlgorithm }),
    tokenVersion: record.tokenVersion,
    createdAtEpochMs: record.createdAtEpochMs,
  };
}
