import { type Checksum, type ObjectOptions, type PartRange, partRanges } from '@longhaul/protocol';
import pLimit from 'p-limit';
import {
  type CopySource,
  type MultipartRef,
  type NewObject,
  ObjectStoreError,
  type StoredPart,
} from '../../ports/object-store.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { FullObjectAlgorithm, StoreProfile } from '../../ports/store-profile.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { newObjectOf } from '../new-object.ts';
import { isCopiedByClient } from './client-copy.ts';
import type { RotationKeys } from './rotation-keys.ts';
import type { RotationLease } from './rotation-lease.ts';

/** A rotation on its way, with all that its copy takes. */
export interface Copying {
  readonly rotation: RotationRecord;
  /** The node that it is of. */
  readonly record: UploadRecord;
  readonly keys: RotationKeys;
  readonly lease: RotationLease;
}

/** Parts that one rotation lets the store copy at once. */
const PARTS_AT_ONCE = 8;
const TRIES = 3;
const FIRST_PAUSE_MS = 500;

/**
 * Lets the store make the copy; whether it has, only a HEAD tells. Parts that are there already are not copied again.
 *
 * By parts however small it is: what is sent to a multipart upload and comes late finds it closed, where a late CopyObject
 * would take the place of a copy that was proved and switched to, or stand where one was deleted.
 *
 * @throws ObjectStoreError; of kind `refused` only where a repetition would be refused as well
 */
export async function copyObject(context: UploadContext, copying: Copying): Promise<void> {
  const { objectStore, catalog } = context;
  const { rotation } = copying;
  if (rotation.plan.sizeBytes > 0) return await copyByParts(context, copying);
  if (!(await catalog.rotations.saveCopy(rotation))) return copying.lease.lose();
  // Of nothing there is no range to copy: it is written. HEAD tells what came of it.
  await objectStore.putObject({ ...newCopyOf(context, copying), body: new Uint8Array() });
}

async function copyByParts(context: UploadContext, copying: Copying): Promise<void> {
  const { objectStore } = context;
  const { rotation, record } = copying;
  const opened = await openCopy(context, copying);
  if (opened === 'complete') return;
  if (!opened) return copying.lease.lose();
  const ref = { key: rotation.s3Key, s3UploadId: opened.s3UploadId };
  await copyParts(context, copying, ref.s3UploadId, opened.parts);
  const parts = copying.lease.signal.aborted ? undefined : await objectStore.listParts(ref);
  if (!parts) return copying.lease.lose();
  const { checksum } = record;
  const isKept = keptAlgorithm(objectStore.profile, copying) !== undefined;
  await joinParts(context, copying, { ...ref, parts, ...(isKept && checksum && { checksum }) });
}

/**
 * Makes the object of its parts; whether it has become one, only a look tells.
 *
 * @throws ObjectStoreError; of kind `refused` only where a repetition would be refused as well
 */
export async function joinParts(
  { objectStore, catalog }: UploadContext,
  { rotation, keys, lease }: Omit<Copying, 'record'>,
  { parts, ...rest }: MultipartRef & { readonly parts: readonly StoredPart[]; readonly checksum?: Checksum },
): Promise<void> {
  if (!(await catalog.rotations.recordComplete(rotation))) return lease.lose();
  const outcome = await objectStore.completeMultipartUpload({
    ...rest,
    parts: parts.slice(0, rotation.plan.partCount),
    sizeBytes: rotation.plan.sizeBytes,
    ...(keys.new && { customerKey: keys.new }),
  });
  if (outcome.kind === 'refused') {
    const { s3Code, message } = outcome;
    // A part that was copied twice has another ETag than the one listed: the next listing has it.
    const kind = s3Code === 'InvalidPart' ? 'unreachable' : 'refused';
    throw new ObjectStoreError(kind, `CompleteMultipartUpload of a copy was refused: ${message}`, { s3Code });
  }
}

interface OpenCopy {
  readonly s3UploadId: string;
  readonly parts: readonly StoredPart[];
}

/** The multipart upload of the copy with the parts that it has; a new one where there is none, or none any more. */
async function openCopy(
  context: UploadContext,
  copying: Copying,
): Promise<OpenCopy | 'complete' | undefined> {
  const { objectStore, catalog } = context;
  const { rotation, keys } = copying;
  const { s3Key: key, s3UploadId } = rotation;
  const parts = s3UploadId === undefined ? undefined : await objectStore.listParts({ key, s3UploadId });
  if (s3UploadId !== undefined && parts) return { s3UploadId, parts };
  // A slower driver may have completed it since nothing stood there: a second copy would take the place of the first.
  const head = { key, ...(keys.new && { customerKey: keys.new }) };
  if (s3UploadId !== undefined && (await objectStore.headObject(head))) return 'complete';
  const created = await objectStore.createMultipartUpload(newCopyOf(context, copying));
  const saved = await catalog.rotations.saveCopy(rotation, created.s3UploadId);
  if (saved) return { s3UploadId: created.s3UploadId, parts: [] };
  // Nobody else knows of it, so nobody completes it.
  await objectStore.abortMultipartUpload({ key, s3UploadId: created.s3UploadId });
  return undefined;
}

async function copyParts(
  context: UploadContext,
  copying: Copying,
  s3UploadId: string,
  stored: readonly StoredPart[],
): Promise<void> {
  const { rotation, lease, keys } = copying;
  const { plan, s3Key: key } = rotation;
  const source = sourceOf(copying);
  const sizes = new Map(stored.map(({ partNumber, sizeBytes }) => [partNumber, sizeBytes]));
  const missing = partRanges(plan).filter(({ partNumber, sizeBytes }) => sizes.get(partNumber) !== sizeBytes);
  lease.noteCopied(plan.partCount - missing.length);
  let isStopped = false;
  const copyOne = async ({ partNumber, offsetBytes, sizeBytes }: PartRange): Promise<void> => {
    if (isStopped || lease.signal.aborted) return;
    const customerKey = keys.new && { customerKey: keys.new };
    const range = { start: offsetBytes, end: offsetBytes + sizeBytes };
    const part = { key, s3UploadId, partNumber, source, range, ...customerKey };
    try {
      await withTries(context, lease.signal, () => context.objectStore.copyPart(part));
    } catch (error) {
      isStopped = true;
      throw error;
    }
    lease.noteCopied(1);
  };
  // The first that fails ends what has not begun; those under way are waited for.
  const limit = pLimit(PARTS_AT_ONCE);
  const ends = await Promise.allSettled(missing.map((range) => limit(copyOne, range)));
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw failed.reason;
}

/** What the store is too busy for, or did not answer to, is asked again. */
async function withTries(
  { clock }: UploadContext,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isPassing = error instanceof ObjectStoreError && error.kind !== 'refused';
      if (!isPassing || attempt === TRIES || signal.aborted) throw error;
      await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }
}

function sourceOf({ rotation, keys }: Copying): CopySource {
  const { sourceKey, sourceVersionId, sourceEtag } = rotation;
  return {
    key: sourceKey,
    ...(sourceVersionId !== undefined && { versionId: sourceVersionId }),
    ...(sourceEtag !== undefined && { etag: sourceEtag }),
    ...(keys.old && { customerKey: keys.old }),
  };
}

/** The copy as the store is told of it: as the object was begun, under another key, with another token and encryption. */
export function newCopyOf(
  { objectStore: { profile }, clock }: Pick<UploadContext, 'objectStore' | 'clock'>,
  { rotation, record, keys }: Omit<Copying, 'lease'>,
): NewObject & { readonly checksumAlgorithm?: FullObjectAlgorithm } {
  const { s3Key, writeToken, encryption } = rotation;
  const checksumAlgorithm = keptAlgorithm(profile, { rotation, record });
  const { objectOptions: asBegun, ...object } = newObjectOf({ ...record, s3Key, writeToken, encryption });
  const objectOptions = asBegun && withoutPastLock(asBegun, clock.nowEpochMs());
  return {
    ...object,
    ...(objectOptions && { objectOptions }),
    ...(keys.new && { customerKey: keys.new }),
    ...(checksumAlgorithm && { checksumAlgorithm }),
  };
}

/** A lock whose time is over holds nothing any more, and a store refuses to begin an object with it. */
function withoutPastLock({ objectLock, ...options }: ObjectOptions, nowEpochMs: number): ObjectOptions {
  const { retainUntil, mode, legalHold } = objectLock ?? {};
  const isPast = retainUntil !== undefined && Date.parse(retainUntil) <= nowEpochMs;
  const lock = {
    ...(mode && retainUntil && !isPast && { mode, retainUntil }),
    ...(legalHold !== undefined && { legalHold }),
  };
  return { ...options, ...(Object.keys(lock).length > 0 && { objectLock: lock }) };
}

/** By which the store can compare the copy with the content; none under a key that it would want for each listing then. */
function keptAlgorithm(
  profile: StoreProfile,
  { rotation, record }: Pick<Copying, 'rotation' | 'record'>,
): FullObjectAlgorithm | undefined {
  const { algorithm }: Partial<Checksum> = record.checksum ?? {};
  if (rotation.encryption.mode === 'sse-c') return undefined;
  // Parts that a client streams have a Content-MD5 instead.
  if (isCopiedByClient(profile, rotation)) return undefined;
  if (rotation.plan.sizeBytes > 0 && profile.copyIgnores?.includes('checksum')) return undefined;
  return profile.fullObjectChecksums.find((kept) => kept === algorithm);
}
