import { HeadBucketCommand } from '@aws-sdk/client-s3';
import type { BucketLifecycle } from '../../ports/bucket-lifecycle.ts';
import type { ObjectStore } from '../../ports/object-store.ts';
import { createClientSigner } from './s3-acceleration.ts';
import { connectS3, type S3Connection, type S3ObjectStoreOptions } from './s3-client.ts';
import { completeMultipartUpload } from './s3-complete.ts';
import { toObjectStoreError } from './s3-error.ts';
import { copyPart } from './s3-copy.ts';
import { deleteVersions } from './s3-delete-versions.ts';
import { customerKeyHeaders } from './s3-encryption.ts';
import { checksumHeaders, newObjectHeaders } from './s3-headers.ts';
import { createBucketLifecycle } from './s3-lifecycle.ts';
import { findListed } from './s3-list-object.ts';
import {
  abortMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listMultipartUploadsPage,
  listParts,
} from './s3-multipart.ts';
import { deleteObject, headObject, putObject } from './s3-objects.ts';
import { encodeKey, type RequestToSign } from './s3-presign.ts';

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
  const { sign, chooseEndpoint } = createClientSigner(connection);
  return {
    bucket,
    profile,
    lifecycle: createBucketLifecycle(connection),
    createMultipartUpload: (input) => createMultipartUpload(connection, input),
    signCreate: async (input) => ({ method: 'POST', ...(await sign(createToSign(input))) }),
    signPart: async (input) => ({
      partNumber: input.partNumber,
      ...(await sign(partToSign(connection, input))),
    }),
    signGet: async (input) => ({ method: 'GET', ...(await sign(readToSign(input))) }),
    signPut: async (input) => ({ partNumber: 1, ...(await sign(wholeToSign(connection, input))) }),
    copyPart: (input) => copyPart(connection, input),
    listParts: (input) => listParts(connection, input),
    completeMultipartUpload: (input) => completeMultipartUpload(connection, input),
    abortMultipartUpload: (input) => abortMultipartUpload(connection, input),
    putObject: (input) => putObject(connection, input),
    findListed: (input) => findListed(connection, input),
    headObject: (input) => headObject(connection, input),
    deleteObject: (input) => deleteObject(connection, input),
    deleteVersions: (input) => deleteVersions(connection, input),
    listMultipartUploads: (input) => listMultipartUploads(connection, input),
    listMultipartUploadsPage: (input) => listMultipartUploadsPage(connection, input),
    locationOf: (key) => `${connection.publicBucketUrl}/${encodeKey(key)}`,
    async ping() {
      // Beside the ping, because that is what a process does first: whoever watches hears at the start where URLs lead.
      await Promise.all([ping(connection), chooseEndpoint()]);
    },
    close: () => close(connection),
  };
}

function createToSign(input: Parameters<ObjectStore['signCreate']>[0]): RequestToSign {
  return {
    method: 'POST',
    key: input.key,
    query: { uploads: '' },
    headers: newObjectHeaders(input),
    expiresInSeconds: input.expiresInSeconds,
  };
}

function readToSign(input: Parameters<ObjectStore['signGet']>[0]): RequestToSign {
  const { key, versionId, etag, expiresInSeconds } = input;
  return {
    method: 'GET',
    key,
    query: versionId === undefined ? {} : { versionId },
    headers: { ...(etag !== undefined && { 'if-match': etag }), ...customerKeyHeaders(input) },
    expiresInSeconds,
  };
}

function partToSign({ profile }: S3Connection, input: Parameters<ObjectStore['signPart']>[0]): RequestToSign {
  return {
    method: 'PUT',
    key: input.key,
    query: { partNumber: String(input.partNumber), uploadId: input.s3UploadId },
    headers: {
      'content-length': String(input.sizeBytes),
      ...checksumHeaders(profile, input.checksum),
      ...customerKeyHeaders(input),
    },
    expiresInSeconds: input.expiresInSeconds,
  };
}

function wholeToSign({ profile }: S3Connection, input: Parameters<ObjectStore['signPut']>[0]): RequestToSign {
  return {
    method: 'PUT',
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
