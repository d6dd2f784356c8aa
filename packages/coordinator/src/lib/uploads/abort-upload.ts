import type { CancelResponse } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/catalog.ts';
import type { UploadContext } from './context.ts';
import { proveObject } from './prove-object.ts';

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
    await abortEverythingUnder(context, record.s3Key);
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

/** The key belongs to this upload alone, so every multipart upload listed under it does too. */
async function abortEverythingUnder(context: UploadContext, key: string): Promise<void> {
  const { objectStore } = context;
  for (let round = 0; round < MAX_ABORT_ROUNDS; round++) {
    const open = (await objectStore.listMultipartUploads({ prefix: key })).filter(
      (upload) => upload.key === key,
    );
    if (open.length === 0) return;
    await Promise.all(open.map((upload) => objectStore.abortMultipartUpload(upload)));
  }
  throw new CoordinatorError(
    'store-unreachable',
    `The store still lists parts of ${key} after ${MAX_ABORT_ROUNDS} aborts: some are in flight. Cancel again in a moment.`,
    { retryAfterSeconds: 5 },
  );
}

async function deleteOurs(context: UploadContext, record: UploadRecord): Promise<void> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'unknown') {
    throw new CoordinatorError(
      'store-unreachable',
      `Upload ${record.uploadId} could not be cleaned up: ${proof.reason}`,
      {
        uploadId: record.uploadId,
      },
    );
  }
  if (proof.kind !== 'ours' && proof.kind !== 'wrong-size') return;
  const { versionId } = proof.object;
  await context.objectStore.deleteObject({
    key: record.s3Key,
    ...(versionId !== undefined && { versionId }),
  });
}
