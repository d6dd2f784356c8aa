import { S3Error } from '../s3-error.ts';
import type { Bucket, BucketRecord, Store } from './store.ts';

/** Rules of https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html that keep a name a folder name. */
const BUCKET_NAME = /^(?!.*\.\.)(?!\d+\.\d+\.\d+\.\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Creates the bucket, or fails with BucketAlreadyOwnedByYou. */
export async function createBucket(store: Store, name: string): Promise<void> {
  if (!BUCKET_NAME.test(name)) throw new S3Error('InvalidBucketName', { details: { BucketName: name } });
  if (store.buckets.has(name))
    throw new S3Error('BucketAlreadyOwnedByYou', { details: { BucketName: name } });
  const record: BucketRecord = { name, createdEpochMs: store.now() };
  await store.storage.writeRecord(`buckets/${name}`, record);
  store.buckets.set(name, newBucket(record));
}

/** Changes the bucket's settings. */
export async function changeBucket(
  store: Store,
  bucket: Bucket,
  change: Pick<BucketRecord, 'versioning' | 'cors'>,
): Promise<void> {
  const { name, createdEpochMs, versioning, cors } = { ...bucket, ...change };
  const record: BucketRecord = {
    name,
    createdEpochMs,
    ...(versioning !== undefined && { versioning }),
    ...(cors !== undefined && { cors }),
  };
  await store.storage.writeRecord(`buckets/${name}`, record);
  Object.assign(bucket, change);
}

/** Removes an empty bucket together with its open uploads. */
export async function deleteBucket(store: Store, bucket: Bucket): Promise<void> {
  if (bucket.objects.size > 0 || bucket.pendingWrites > 0) {
    throw new S3Error('BucketNotEmpty', { details: { BucketName: bucket.name } });
  }
  store.buckets.delete(bucket.name);
  await store.storage.removeRecords(`buckets/${bucket.name}`);
  for (const kind of ['objects', 'uploads', 'ended']) {
    await store.storage.removeRecords(`${kind}/${bucket.name}`);
  }
  for (const uploadId of bucket.uploads.keys()) await store.storage.removeGroup(uploadId);
}

/** A bucket that holds nothing. */
export function newBucket(record: BucketRecord): Bucket {
  return { ...record, objects: new Map(), uploads: new Map(), ended: new Map(), pendingWrites: 0 };
}
