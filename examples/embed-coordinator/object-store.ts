import { randomUUID } from 'node:crypto';
import type { ObjectStore } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createLocalS3 } from '@longhaul/local-s3';

/** The bucket that S3_BUCKET names; without it a store in memory, to try things out. */
export async function openObjectStore(): Promise<ObjectStore> {
  const { S3_BUCKET: bucket, S3_REGION: region = 'us-east-1', S3_ENDPOINT: endpoint } = process.env;
  if (bucket)
    return createS3ObjectStore({ bucket, region, ...(endpoint && { endpoint, forcePathStyle: true }) });
  const credentials = { accessKeyId: 'example', secretAccessKey: randomUUID() };
  const { url } = await createLocalS3({
    storage: { kind: 'memory' },
    credentials,
    buckets: ['example'],
  }).listen();
  return createS3ObjectStore({
    bucket: 'example',
    region,
    endpoint: url,
    forcePathStyle: true,
    credentials,
    profile: localS3Profile,
  });
}
