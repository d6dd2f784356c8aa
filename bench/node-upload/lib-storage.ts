import { createReadStream } from 'node:fs';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { measure } from './measure.ts';

const [file = '', backend = '{}', partSizeBytes, concurrency] = process.argv.slice(2);
const { endpoint, bucket, credentials } = JSON.parse(backend) as {
  endpoint: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
};
// No checksum on either side.
const client = new S3Client({
  endpoint,
  credentials,
  region: 'us-east-1',
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
});
// Over plain HTTP the SDK hashes every body for its signature, over HTTPS it does not: spare it that, to be fair.
client.middlewareStack.add(
  (next) => (step) => {
    const { headers } = step.request as { headers: Record<string, string> };
    headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
    return next(step);
  },
  { step: 'build', name: 'unsignedPayload' },
);
await measure(() =>
  new Upload({
    client,
    ...(partSizeBytes && { partSize: Number(partSizeBytes) }),
    ...(concurrency && { queueSize: Number(concurrency) }),
    params: {
      Bucket: bucket,
      Key: `lib-storage/${Date.now()}`,
      Body: file === '-' ? process.stdin : createReadStream(file),
    },
  }).done(),
);
