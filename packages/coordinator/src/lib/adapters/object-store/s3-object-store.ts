import { HeadBucketCommand } from '@aws-sdk/client-s3';
import type { BucketLifecycle } from '../../ports/bucket-lifecycle.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { connectS3, type S3Connection, type S3ObjectStoreOptions } from './s3-client.ts';
import { completeMultipartUpload } from './s3-complete.ts';
import { toObjectStoreError } from './s3-error.ts';
import { checksumHeaders, newObjectHeaders } from './s3-headers.ts';
import { createBucketLifecycle } from './s3-lifecycle.ts';
import {
  abortMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
} from './s3-multipart.ts';
import { deleteObject, headObject, putObject } from './s3-objects.ts';
import { createPutSigner, encodeKey, type PutToSign } from './s3-presign.ts';

/** An {@link ObjectStore} over the AWS SDK. */
export interface S3ObjectStore extends ObjectStore {
  /** The bucket's rules for unfinished uploads. */
  readonly lifecycle: BucketLifecycle;

  /** Lets go of connections. */
  close(): void;
}

/**
 * Binds one bucket of S3, or of a store like it. Nothing is sent until a method is called.
 *
 * @throws {TypeError} when an option makes no sense
 * @example
 * const objectStore = createS3ObjectStore({ bucket: 'uploads', region: 'eu-west-1' });
 */
export function createS3ObjectStore(options: S3ObjectStoreOptions): S3ObjectStore {
  const connection = connectS3(options);
  const { bucket, profile } = connection;
  const sign = createPutSigner(connection);
  return {
    bucket,
    profile,
    lifecycle: createBucketLifecycle(connection),
    createMultipartUpload: (input) => createMultipartUpload(connection, input),
    signPart: async (input) => sign(partToSign(connection, input)),
    signPut: async (input) => sign(wholeToSign(connection, input)),
    listParts: (input) => listParts(connection, input),
    completeMultipartUpload: (input) => completeMultipartUpload(connection, input),
    abortMultipartUpload: (input) => abortMultipartUpload(connection, input),
    putObject: (input) => putObject(connection, input),
    headObject: (input) => headObject(connection, input),
    deleteObject: (input) => deleteObject(connection, input),
    listMultipartUploads: (input) => listMultipartUploads(connection, input),
    locationOf: (key) => `${connection.publicBucketUrl}/${encodeKey(key)}`,
    ping: () => ping(connection),
    close: () => close(connection),
  };
}

function partToSign({ profile }: S3Connection, input: Parameters<ObjectStore['signPart']>[0]): PutToSign {
  return {
    partNumber: input.partNumber,
    key: input.key,
    query: { partNumber: String(input.partNumber), uploadId: input.s3UploadId },
    headers: { 'content-length': String(input.sizeBytes), ...checksumHeaders(profile, input.checksum) },
    expiresInSeconds: input.expiresInSeconds,
  };
}

function wholeToSign({ profile }: S3Connection, input: Parameters<ObjectStore['signPut']>[0]): PutToSign {
  return {
    partNumber: 1,
    key: input.key,
    query: {},
    headers: {
      'content-length': String(input.sizeBytes),
      ...newObjectHeaders(input),
      ...checksumHeaders(profile, input.checksum),
      ...(profile.putIfNoneMatch && { 'if-none-match': '*' }),
    },
    expiresInSeconds: input.expiresInSeconds,
  };
}

async function ping({ bucket, client, callTimeoutMs }: S3Connection): Promise<void> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: bucket }), {
      abortSignal: AbortSignal.timeout(callTimeoutMs),
    });
  } catch (error) {
    throw toObjectStoreError(`HeadBucket of s3://${bucket}`, error);
  }
}

function close({ client, onceClient }: S3Connection): void {
  client.destroy();
  onceClient.destroy();
}
