import { ListMultipartUploadsCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

/** What a bucket holds. */
export interface BucketContent {
  readonly objects: readonly string[];
  /** Keys of multipart uploads that are open; one key for each upload. */
  readonly openUploads: readonly string[];
}

/** Everything in a bucket, as the store itself lists it. */
export async function contentOf(client: S3Client, bucket: string): Promise<BucketContent> {
  return { objects: await objectsOf(client, bucket), openUploads: await openUploadsOf(client, bucket) };
}

async function objectsOf(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let from: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, ContinuationToken: from }));
    keys.push(...(page.Contents ?? []).map(({ Key }) => Key ?? ''));
    from = page.NextContinuationToken;
  } while (from !== undefined);
  return keys;
}

async function openUploadsOf(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  let marker: { KeyMarker?: string; UploadIdMarker?: string } = {};
  for (;;) {
    const page = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, ...marker }));
    keys.push(...(page.Uploads ?? []).map(({ Key }) => Key ?? ''));
    if (!page.IsTruncated || page.NextKeyMarker === undefined) return keys;
    marker = {
      KeyMarker: page.NextKeyMarker,
      ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
    };
  }
}
