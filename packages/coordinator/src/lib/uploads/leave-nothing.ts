import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { MultipartRef, ObjectStore } from '../ports/object-store.ts';
import type { UploadContext } from './context.ts';
import { proveObject } from './prove-object.ts';
import { baseKeyOf } from './rotations/base-key.ts';

/** Parts in flight may still land after an abort, so it is repeated until the store knows nothing more. */
const MAX_ABORT_ROUNDS = 5;

/**
 * Aborts every multipart upload under the key of an upload. Only for one in ABORTING, or that has ended without an
 * object: an abort beside a Complete may destroy the object later, although both are answered with success.
 *
 * @throws CoordinatorError `store-unreachable` when the store still lists something after some rounds; ObjectStoreError
 */
export async function abortAllOf({ objectStore }: UploadContext, record: UploadRecord): Promise<void> {
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

/** Aborts what repeated creates have left under the key of an upload that is complete, rotated since or not; never the upload itself. */
export async function abortStraysOf({ objectStore }: UploadContext, record: UploadRecord): Promise<void> {
  const strays = (await listedUnder(objectStore, baseKeyOf(record))).filter(
    ({ s3UploadId }) => s3UploadId !== record.s3UploadId,
  );
  await Promise.all(strays.map((stray) => objectStore.abortMultipartUpload(stray)));
}

/** Deletes the object of an upload if it stands at its key and is provably its own. */
export async function deleteOurs(context: UploadContext, record: UploadRecord): Promise<void> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'unknown') throw proof.error;
  if (!('object' in proof)) return;
  const { versionId } = proof.object;
  await context.objectStore.deleteObject({
    key: record.s3Key,
    ...(versionId !== undefined && { versionId }),
  });
}

/** The key belongs to this upload alone, so every multipart upload listed under it does too. */
async function stillOpen(
  objectStore: ObjectStore,
  { s3Key: key, s3UploadId }: UploadRecord,
): Promise<readonly MultipartRef[]> {
  const listed = await listedUnder(objectStore, key);
  if (s3UploadId === undefined || listed.some((upload) => upload.s3UploadId === s3UploadId)) return listed;
  const isKnown = (await objectStore.listParts({ key, s3UploadId })) !== undefined;
  return isKnown ? [...listed, { key, s3UploadId }] : listed;
}

async function listedUnder(objectStore: ObjectStore, key: string): Promise<readonly MultipartRef[]> {
  return (await objectStore.listMultipartUploads({ prefix: key })).filter((upload) => upload.key === key);
}
