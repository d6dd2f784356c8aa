import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { type BucketContent, contentOf } from '../../hostile/support/bucket-content.ts';

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
    content: () => contentOf(client, bucket),
    close: () => client.destroy(),
  };
}
