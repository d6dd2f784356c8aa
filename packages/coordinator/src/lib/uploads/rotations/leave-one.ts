import { ObjectStoreError } from '../../ports/object-store.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { storableForMs } from '../abort-upload.ts';
import type { UploadContext } from '../context.ts';
import { baseKeyOf } from './base-key.ts';

/**
 * Deletes what the node's object was before. Answers why that cannot be done, where the store refuses it for good: an object
 * lock, or a right that is missing.
 */
export async function removeOldObject(
  context: UploadContext,
  { s3Key, s3UploadId, sourceKey: key, deleteVersions }: RotationRecord,
  node: UploadRecord,
): Promise<string | undefined> {
  const { objectStore } = context;
  const current = (await context.catalog.find(node.uploadId))?.s3Key;
  // Whatever else is wrong, what the row points at is not deleted.
  if (current === key) throw new Error(`object ${key} is still that of upload ${node.uploadId}`);
  await abortUploadsOf(context, s3Key, s3UploadId);
  await abortUploadsOf(context, key, node.s3UploadId);
  try {
    if (deleteVersions) await objectStore.deleteVersions({ key });
    else await objectStore.deleteObject({ key });
    return undefined;
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.kind !== 'refused') throw error;
    context.onError(error);
    return `the old object ${key} stays: the store said ${error.s3Code ?? 'no'}`;
  }
}

/**
 * How long what the first rotation has deleted may still appear again: by a PUT that was on its way, and finds nothing there any
 * more.
 */
export function appearableForMs(
  context: UploadContext,
  rotation: RotationRecord,
  node: UploadRecord,
): number {
  const isOfUpload = rotation.sourceKey === baseKeyOf(node);
  return isOfUpload && node.mode !== 'multipart' ? storableForMs(context, node) : 0;
}

/** Deletes what has appeared since the old object was deleted. */
export async function removeLateObject(
  context: UploadContext,
  rotation: RotationRecord,
  node: UploadRecord,
): Promise<void> {
  // Deleting what is not there would hide a version by one more marker.
  const isThere = await context.objectStore.findListed({ key: rotation.sourceKey });
  if (isThere) await removeOldObject(context, rotation, node);
}

/** Leaves nothing of a rotation that has failed. Nothing is on its way to be completed any more. */
export async function cleanUpCopy(
  context: UploadContext,
  { s3Key: key }: RotationRecord,
  node: UploadRecord,
): Promise<void> {
  if (node.s3Key === key) throw new Error(`object ${key} is that of upload ${node.uploadId}`);
  await abortUploadsOf(context, key, undefined);
  await context.objectStore.deleteVersions({ key });
}

/** Ends what creates have left whose answer was lost. The key belongs to one rotation alone. */
async function abortUploadsOf(
  { objectStore }: UploadContext,
  key: string,
  except: string | undefined,
): Promise<void> {
  const open = await objectStore.listMultipartUploads({ prefix: key });
  const left = open.filter((upload) => upload.key === key && upload.s3UploadId !== except);
  await Promise.all(left.map((upload) => objectStore.abortMultipartUpload(upload)));
}
