import { S3Error } from '../s3-error.ts';
import type { Bucket, Store } from './store.ts';
import { newId, wholeSeconds } from './store.ts';
import type { DeclaredChecksum, EndedUpload, Part, Upload, UploadRecord } from './upload.ts';
import type { ObjectAttributes } from './versions.ts';

/** Opens an upload. */
export async function createUpload(
  store: Store,
  bucket: Bucket,
  begun: ObjectAttributes & { readonly key: string; readonly checksum?: DeclaredChecksum },
): Promise<Upload> {
  const record: UploadRecord = {
    ...begun,
    uploadId: newId(store.now()),
    initiatedEpochMs: wholeSeconds(store.now()),
    ...(bucket.versioning !== undefined && { versioning: bucket.versioning }),
  };
  await store.storage.writeRecord(`${uploadRecordName(bucket.name, record.uploadId)}/upload`, record);
  const upload: Upload = { ...record, parts: new Map() };
  bucket.uploads.set(record.uploadId, upload);
  return upload;
}

/** Names one upload as clients do. */
export interface UploadTarget {
  readonly bucket: Bucket;
  readonly key: string;
  readonly uploadId: string;
}

/** The open upload, or NoSuchUpload. */
export function uploadOf(store: Store, { bucket, key, uploadId }: UploadTarget): Upload {
  const upload = bucket.uploads.get(uploadId);
  const isThere = upload?.key === key && store.buckets.get(bucket.name) === bucket;
  if (upload === undefined || !isThere) throw noSuchUpload(uploadId);
  return upload;
}

/** 404 with the id that was asked for. */
function noSuchUpload(uploadId: string): S3Error {
  return new S3Error('NoSuchUpload', { details: { UploadId: uploadId } });
}

/** Runs a change of one upload; changes of one upload never overlap. */
export async function changingUpload<T>(
  store: Store,
  uploadId: string,
  change: () => Promise<T>,
): Promise<T> {
  return await store.locks.run(`upload/${uploadId}`, change);
}

/** Keeps a part; it takes the place of one with the same number. NoSuchUpload when the upload ended meanwhile. */
export async function putPart(store: Store, target: UploadTarget, part: Part): Promise<void> {
  await changingUpload(store, target.uploadId, async () => {
    const upload = uploadOf(store, target);
    const name = `${uploadRecordName(target.bucket.name, target.uploadId)}/parts/${part.partNumber}`;
    await store.storage.writeRecord(name, part);
    const replaced = upload.parts.get(part.partNumber);
    upload.parts.set(part.partNumber, part);
    if (replaced !== undefined) await store.storage.removeBytes(replaced.bytes);
  });
}

/** Ends an upload and forgets its parts. One that ended before is a success and changes nothing. */
export async function abortUpload(store: Store, target: UploadTarget): Promise<void> {
  await changingUpload(store, target.uploadId, async () => {
    const { bucket, key, uploadId } = target;
    if (bucket.ended.get(uploadId)?.key === key) return;
    uploadOf(store, target);
    await endUpload(store, target, { kind: 'aborted', key });
  });
}

/** Remembers the end, then drops all that the upload held. Only inside {@link changingUpload}. */
export async function endUpload(
  store: Store,
  { bucket, uploadId }: Pick<UploadTarget, 'bucket' | 'uploadId'>,
  ended: EndedUpload,
): Promise<void> {
  await store.storage.writeRecord(`ended/${bucket.name}/${uploadId}`, ended);
  bucket.ended.set(uploadId, ended);
  bucket.uploads.delete(uploadId);
  await store.storage.removeRecords(uploadRecordName(bucket.name, uploadId));
  await store.storage.removeGroup(uploadId);
}

function uploadRecordName(bucket: string, uploadId: string): string {
  return `uploads/${bucket}/${uploadId}`;
}
