import type { BytesRef, StoredRecord } from '../storage/storage.ts';
import { newBucket } from './buckets.ts';
import { completionOf } from './complete-upload.ts';
import type { ObjectRecord } from './objects.ts';
import type { Bucket, BucketRecord, Store } from './store.ts';
import type { EndedUpload, Part, UploadRecord } from './upload.ts';
import { endUpload } from './uploads.ts';
import { visibleObject } from './versions.ts';

/** Fills the store from its storage and finishes what a killed process left half done. */
export async function loadStore(store: Store): Promise<void> {
  const records = (await store.storage.loadRecords()).map(splitName);
  for (const restore of [restoreBucket, restoreContent, restorePart]) {
    for (const record of records) restore(store, record);
  }
  for (const bucket of store.buckets.values()) await finishUploads(store, bucket);
  await store.storage.keepOnlyBytes([...store.buckets.values()].flatMap(bytesOf));
  for (const bucket of store.buckets.values()) await showObjects(store, bucket);
}

interface NamedRecord {
  readonly kind: string;
  readonly bucket: string;
  readonly id: string | undefined;
  readonly leaf: string | undefined;
  readonly value: unknown;
}

function splitName({ name, value }: StoredRecord): NamedRecord {
  const [kind = '', bucket = '', id, leaf] = name.split('/');
  return { kind, bucket, id, leaf, value };
}

// Only this package writes the records, so the shape of each follows from its name.

function restoreBucket(store: Store, { kind, bucket, value }: NamedRecord): void {
  if (kind === 'buckets') store.buckets.set(bucket, newBucket(value as BucketRecord));
}

function restoreContent(store: Store, { kind, id, leaf, value, ...record }: NamedRecord): void {
  const bucket = store.buckets.get(record.bucket);
  if (bucket === undefined || id === undefined) return;
  if (kind === 'objects') {
    const { key, versions } = value as ObjectRecord;
    bucket.objects.set(key, versions);
  }
  if (kind === 'ended') bucket.ended.set(id, value as EndedUpload);
  if (kind === 'uploads' && leaf === 'upload') {
    bucket.uploads.set(id, { ...(value as UploadRecord), parts: new Map() });
  }
}

function restorePart(store: Store, { kind, bucket, id, leaf, value }: NamedRecord): void {
  if (kind !== 'uploads' || leaf !== 'parts' || id === undefined) return;
  const part = value as Part;
  store.buckets.get(bucket)?.uploads.get(id)?.parts.set(part.partNumber, part);
}

/** An upload whose end was written down, or whose object is there, is no longer open. */
async function finishUploads(store: Store, bucket: Bucket): Promise<void> {
  for (const version of [...bucket.objects.values()].flat()) {
    if (version.kind !== 'object' || version.completed === undefined) continue;
    const { uploadId, listDigest } = version.completed;
    const upload = bucket.uploads.get(uploadId);
    if (upload === undefined) continue;
    await endUpload(store, { bucket, uploadId }, completionOf(version, upload, listDigest));
  }
  for (const [uploadId, ended] of bucket.ended) {
    if (bucket.uploads.has(uploadId)) await endUpload(store, { bucket, uploadId }, ended);
  }
}

function bytesOf(bucket: Bucket): readonly BytesRef[] {
  const ofObjects = [...bucket.objects.values()]
    .flat()
    .flatMap((version) => (version.kind === 'object' ? [version.bytes] : []));
  const ofParts = [...bucket.uploads.values()].flatMap((upload) =>
    [...upload.parts.values()].map((part) => part.bytes),
  );
  return [...ofObjects, ...ofParts];
}

async function showObjects(store: Store, bucket: Bucket): Promise<void> {
  for (const [key, versions] of bucket.objects) {
    const object = visibleObject(versions);
    if (object !== undefined) await store.storage.showObject(bucket.name, key, object.bytes);
  }
}
