import { ListObjectVersionsCommand, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import type { S3Connection } from './s3-client.ts';
import { toObjectStoreError } from './s3-error.ts';
import { deleteObject } from './s3-objects.ts';

/** Deletes all versions at a key, and its delete markers. Of a store without versions: the object. */
export async function deleteVersions(
  connection: S3Connection,
  { key }: { readonly key: string },
): Promise<void> {
  if (!connection.profile.versioning) return await deleteObject(connection, { key });
  for (;;) {
    const { ids, isLast } = await versionsAt(connection, key);
    for (const versionId of ids) await deleteObject(connection, { key, versionId });
    // What is deleted is not listed again, so the first page is always the next one.
    if (isLast || ids.length === 0) return;
  }
}

async function versionsAt(
  { bucket, client, callTimeoutMs }: S3Connection,
  key: string,
): Promise<{ readonly ids: readonly string[]; readonly isLast: boolean }> {
  try {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }),
      { abortSignal: AbortSignal.timeout(callTimeoutMs) },
    );
    // Keys that only begin with this one come behind it.
    const listed = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    const ids = listed.filter(({ Key }) => Key === key).map(({ VersionId = 'null' }) => VersionId);
    return { ids, isLast: page.IsTruncated !== true };
  } catch (error) {
    throw toObjectStoreError(`Listing of versions of s3://${bucket}/${key}`, error);
  }
}
