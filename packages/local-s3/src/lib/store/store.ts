import { randomBytes } from 'node:crypto';

import type { KeyedLock } from '../keyed-lock.ts';
import { createKeyedLock } from '../keyed-lock.ts';
import type { CorsRule } from '../http/cors-rules.ts';
import { S3Error } from '../s3-error.ts';
import type { Storage } from '../storage/storage.ts';
import type { EndedUpload, Upload } from './upload.ts';
import type { Versioning, Versions } from './versions.ts';

/** All that the server knows, in memory for reading; every change is in the storage before it is here. */
export interface Store {
  readonly storage: Storage;
  readonly locks: KeyedLock;
  readonly buckets: Map<string, Bucket>;
  readonly region: string;
  readonly minPartSizeBytes: number;
  /** Rules of buckets to which no client gave any. */
  readonly defaultCors: readonly CorsRule[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A bucket with all that it holds. */
export interface Bucket extends BucketRecord {
  readonly objects: Map<string, Versions>;
  readonly uploads: Map<string, Upload>;
  readonly ended: Map<string, EndedUpload>;
  /** Writes that are under way; a bucket with any is not empty. */
  pendingWrites: number;
}

/** What is kept of a bucket itself. */
export interface BucketRecord {
  readonly name: string;
  readonly createdEpochMs: number;
  readonly versioning?: Versioning;
  /** Rules put by a client, in place of the default ones. */
  readonly cors?: readonly CorsRule[];
}

/** A store that holds nothing yet; `loadStore` fills it. */
export function createStore(options: Omit<Store, 'locks' | 'buckets'>): Store {
  return { ...options, locks: createKeyedLock(), buckets: new Map() };
}

/** The bucket, or NoSuchBucket. */
export function bucketOf(store: Store, name: string): Bucket {
  const bucket = store.buckets.get(name);
  if (bucket === undefined) throw new S3Error('NoSuchBucket', { details: { BucketName: name } });
  return bucket;
}

/** An id that nobody can guess, safe in URLs and file names; later ids sort behind earlier ones. */
export function newId(nowEpochMs: number): string {
  return `${nowEpochMs.toString(16).padStart(12, '0')}${randomBytes(18).toString('hex')}`;
}

/** S3 keeps times in whole seconds. */
export function wholeSeconds(epochMs: number): number {
  return Math.floor(epochMs / 1000) * 1000;
}
