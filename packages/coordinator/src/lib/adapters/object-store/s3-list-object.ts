import {
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { type ListedObject, ObjectStoreError } from '../../ports/object-store.ts';
import type { S3Connection } from './s3-client.ts';
import { toObjectStoreError } from './s3-error.ts';
import type { ObjectRef } from './s3-objects.ts';

/** Most keys of others that begin with this one, and versions of it, among which it is looked for. */
const MAX_LISTED = 100;

/** What a listing shows at the key: the newest version, or the one named. */
export async function findListed(
  connection: S3Connection,
  ref: ObjectRef,
): Promise<ListedObject | undefined> {
  const call = `Listing of s3://${connection.bucket}/${ref.key}`;
  try {
    return connection.profile.versioning
      ? await findVersion(connection, ref, call)
      : await findObject(connection, ref, call);
  } catch (error) {
    throw toObjectStoreError(call, error);
  }
}

async function findVersion(
  { bucket, client, callTimeoutMs }: S3Connection,
  { key, versionId }: ObjectRef,
  call: string,
): Promise<ListedObject | undefined> {
  const { Versions = [] }: ListObjectVersionsCommandOutput = await client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, MaxKeys: MAX_LISTED }),
    { abortSignal: AbortSignal.timeout(callTimeoutMs) },
  );
  const found = Versions.find(
    (version) =>
      version.Key === key &&
      (versionId === undefined ? version.IsLatest === true : version.VersionId === versionId),
  );
  if (!found) return undefined;
  // A bucket that keeps no versions names the one that it has so.
  const { VersionId = 'null' } = found;
  return { ...toListed(call, found), ...(VersionId !== 'null' && { versionId: VersionId }) };
}

async function findObject(
  { bucket, client, callTimeoutMs }: S3Connection,
  { key }: ObjectRef,
  call: string,
): Promise<ListedObject | undefined> {
  const { Contents = [] }: ListObjectsV2CommandOutput = await client.send(
    new ListObjectsV2Command({ Bucket: bucket, Prefix: key, MaxKeys: MAX_LISTED }),
    { abortSignal: AbortSignal.timeout(callTimeoutMs) },
  );
  const found = Contents.find(({ Key }) => Key === key);
  return found && toListed(call, found);
}

function toListed(
  call: string,
  {
    ETag,
    Size,
    LastModified,
  }: {
    readonly ETag?: string | undefined;
    readonly Size?: number | undefined;
    readonly LastModified?: Date | undefined;
  },
): ListedObject {
  if (ETag === undefined || Size === undefined)
    throw new ObjectStoreError('unreachable', `${call} got no usable answer: no ETag or no size`);
  return {
    etag: ETag,
    sizeBytes: Size,
    ...(LastModified !== undefined && { lastModifiedEpochMs: LastModified.getTime() }),
  };
}
