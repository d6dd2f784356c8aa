import { createHash } from 'node:crypto';

import { S3Error } from '../s3-error.ts';
import type { Bucket, Store } from './store.ts';
import { newId, wholeSeconds } from './store.ts';
import type { DeleteMarker, ObjectVersion, VersionChange, Versioning, Versions } from './versions.ts';
import { NULL_VERSION_ID, addVersion, dropVersion, visibleObject } from './versions.ts';

/** A key in its bucket. */
export interface ObjectTarget {
  readonly bucket: Bucket;
  readonly key: string;
}

/** What is kept of a key. */
export interface ObjectRecord {
  readonly key: string;
  readonly versions: Versions;
}

/** Runs a change of one key; changes of one key never overlap. */
export async function changingObject<T>(
  store: Store,
  { bucket, key }: ObjectTarget,
  change: () => Promise<T>,
): Promise<T> {
  return await store.locks.run(`object/${bucket.name}/${key}`, async () => {
    // Deleted, and perhaps made anew, since the request began.
    if (store.buckets.get(bucket.name) !== bucket) throw new S3Error('NoSuchBucket');
    bucket.pendingWrites += 1;
    try {
      return await change();
    } finally {
      bucket.pendingWrites -= 1;
    }
  });
}

/** `If-None-Match: *`: refuses when the key has an object. */
export function refuseExisting({ bucket, key }: ObjectTarget): void {
  if (visibleObject(bucket.objects.get(key)) === undefined) return;
  throw new S3Error('PreconditionFailed', { details: { Condition: 'If-None-Match' } });
}

/** The id that a new version gets. */
export function nextVersionId({ now }: Store, versioning: Versioning | undefined): string {
  return versioning === 'Enabled' ? newId(now()) : NULL_VERSION_ID;
}

/** Makes the version the newest one of its key. Only inside {@link changingObject}. */
export async function putVersion(
  store: Store,
  target: ObjectTarget,
  version: ObjectVersion | DeleteMarker,
): Promise<void> {
  await replaceVersions(store, target, addVersion(target.bucket.objects.get(target.key) ?? [], version));
}

/** What a DELETE did. */
export interface Deleted {
  readonly versionId?: string;
  readonly deleteMarker?: boolean;
}

/** DELETE without a version: removes the object, or hides it behind a marker where versions are kept. */
export async function deleteObject(store: Store, target: ObjectTarget): Promise<Deleted> {
  const { versioning } = target.bucket;
  if (versioning === undefined) {
    await dropOne(store, target, NULL_VERSION_ID);
    return {};
  }
  const versionId = nextVersionId(store, versioning);
  await putVersion(store, target, {
    kind: 'marker',
    versionId,
    lastModifiedEpochMs: wholeSeconds(store.now()),
  });
  return { versionId, deleteMarker: true };
}

/** DELETE of one version, object or marker, for good. One that is not there is a success. */
export async function deleteVersion(store: Store, target: ObjectTarget, versionId: string): Promise<Deleted> {
  const found = target.bucket.objects.get(target.key)?.find((version) => version.versionId === versionId);
  await dropOne(store, target, versionId);
  return { versionId, ...(found?.kind === 'marker' && { deleteMarker: true }) };
}

async function dropOne(store: Store, target: ObjectTarget, versionId: string): Promise<void> {
  const versions = target.bucket.objects.get(target.key);
  if (versions?.some((version) => version.versionId === versionId) !== true) return;
  await replaceVersions(store, target, dropVersion(versions, versionId));
}

/**
 * Order matters: what is hidden goes before the record, what is shown comes after it, and bytes go last. A stop in
 * between is repaired by `loadStore`, which shows every visible object and sweeps bytes without a record.
 */
async function replaceVersions(store: Store, target: ObjectTarget, change: VersionChange): Promise<void> {
  const { storage } = store;
  const { bucket, key } = target;
  const after = visibleObject(change.versions);
  if (after === undefined) await storage.hideObject(bucket.name, key);
  await writeVersions(store, target, change.versions);
  if (after !== undefined) await storage.showObject(bucket.name, key, after.bytes);
  for (const removed of change.removed) await storage.removeBytes(removed.bytes);
}

async function writeVersions(store: Store, { bucket, key }: ObjectTarget, versions: Versions): Promise<void> {
  const name = objectRecordName(bucket.name, key);
  if (versions.length === 0) {
    await store.storage.removeRecords(name);
    bucket.objects.delete(key);
    return;
  }
  const record: ObjectRecord = { key, versions };
  await store.storage.writeRecord(name, record);
  bucket.objects.set(key, versions);
}

/** Keys are hashed: they may hold anything and be longer than a file name. */
function objectRecordName(bucket: string, key: string): string {
  return `objects/${bucket}/${createHash('sha256').update(key).digest('hex')}`;
}
