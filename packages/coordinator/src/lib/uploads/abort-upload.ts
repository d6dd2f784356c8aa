import type { CancelResponse } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/catalog.ts';
import type { MultipartRef, ObjectStore } from '../ports/object-store.ts';
import type { UploadContext } from './context.ts';
import { proveObject } from './prove-object.ts';
import { closedError } from './upload-answers.ts';

/** Parts in flight may still land after an abort, so it is repeated until the store knows nothing more. */
const MAX_ABORT_ROUNDS = 5;

/**
 * Takes an upload in ABORTING to its end: everything that the store holds for it is let go, then the row says so.
 * Safe to repeat; ABORTING is the answer while a URL handed out could still store the object.
 *
 * @throws CoordinatorError `store-unreachable`, ObjectStoreError: the row stays ABORTING, repeat the call
 */
export async function abortUpload(context: UploadContext, record: UploadRecord): Promise<CancelResponse> {
  if (record.mode === 'multipart') {
    await context.state.remove(record.uploadId);
    await abortEverythingOf(context, record);
  } else {
    const waitMs =
      (record.grantsExpireAtEpochMs ?? 0) + context.settings.singlePutGraceMs - context.clock.nowEpochMs();
    if (record.grantsExpireAtEpochMs !== undefined && waitMs > 0) {
      // The URL handed out can still store the object: deleting before it has expired would let it come back.
      return { state: 'ABORTING', retryAfterSeconds: Math.ceil(waitMs / 1000) };
    }
    await deleteOurs(context, record);
  }
  await context.catalog.finishAbort(record.uploadId);
  return { state: 'CANCELLED' };
}

/**
 * Cancels an upload that was reopened: the client wished it while nobody could tell what the store was doing.
 *
 * @throws CoordinatorError `upload-cancelled`, always: whoever asked for completion hears what became of it
 */
export async function cancelReopened(context: UploadContext, uploadId: string): Promise<never> {
  const aborting = await context.catalog.beginAbort(uploadId);
  if (aborting) await abortUpload(context, aborting);
  throw closedError(uploadId, 'CANCELLED');
}

async function abortEverythingOf({ objectStore }: UploadContext, record: UploadRecord): Promise<void> {
  const { s3Key: key, s3UploadId } = record;
  // Whatever the listings show: not every store lists all that it has.
  if (s3UploadId !== undefined) await objectStore.abortMultipartUpload({ key, s3UploadId });
  for (let round = 0; round < MAX_ABORT_ROUNDS; round++) {
    const open = await stillOpen(objectStore, record);
    if (open.length === 0) return;
    await Promise.all(open.map((upload) => objectStore.abortMultipartUpload(upload)));
  }
  throw new CoordinatorError(
    'store-unreachable',
    `The store still lists parts of ${key} after ${MAX_ABORT_ROUNDS} aborts: some are in flight. Cancel again in a moment.`,
    { retryAfterSeconds: 5 },
  );
}

/** The key belongs to this upload alone, so every multipart upload listed under it does too. */
async function stillOpen(
  objectStore: ObjectStore,
  { s3Key: key, s3UploadId }: UploadRecord,
): Promise<readonly MultipartRef[]> {
  const listed = (await objectStore.listMultipartUploads({ prefix: key })).filter(
    (upload) => upload.key === key,
  );
  if (s3UploadId === undefined || listed.some((upload) => upload.s3UploadId === s3UploadId)) return listed;
  const isKnown = (await objectStore.listParts({ key, s3UploadId })) !== undefined;
  return isKnown ? [...listed, { key, s3UploadId }] : listed;
}

async function deleteOurs(context: UploadContext, record: UploadRecord): Promise<void> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'unknown') throw proof.error;
  if (proof.kind !== 'ours' && proof.kind !== 'wrong-size') return;
  const { versionId } = proof.object;
  await context.objectStore.deleteObject({
    key: record.s3Key,
    ...(versionId !== undefined && { versionId }),
  });
}
