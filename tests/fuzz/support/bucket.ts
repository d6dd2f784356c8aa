import { randomUUID } from 'node:crypto';
import {
  CreateBucketCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';

/** What a bucket holds. */
export interface BucketContent {
  readonly objects: readonly string[];
  /** Keys of multipart uploads that are open; one key for each upload. */
  readonly openUploads: readonly string[];
}

/** A bucket of its own on versitygw. */
export interface FuzzBucket {
  readonly env: Readonly<Record<string, string>>;
  content(): Promise<BucketContent>;
  close(): void;
}

const VARIABLE = 'LONGHAUL_TEST_VERSITYGW';

export async function openBucket(): Promise<FuzzBucket> {
  const read = (suffix: string): string => process.env[`${VARIABLE}_${suffix}`] ?? '';
  const endpoint = read('URL');
  const credentials = { accessKeyId: read('ACCESS_KEY_ID'), secretAccessKey: read('SECRET_ACCESS_KEY') };
  const bucket = `fuzz-${randomUUID()}`;
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    env: {
      S3_BUCKET: bucket,
      S3_ENDPOINT: endpoint,
      S3_PROFILE: 'versitygw',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    content: async () => ({
      objects: await objectsOf(client, bucket),
      openUploads: await openUploadsOf(client, bucket),
    }),
    close: () => client.destroy(),
  };
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
