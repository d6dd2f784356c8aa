import { createReadStream } from 'node:fs';
import { Upload } from '@aws-sdk/lib-storage';
import { createPeerClient, type StoreAddress } from '../measuring/peer-s3-client.ts';
import { measure } from './measure.ts';

const [file = '', backend = '{}', partSizeBytes, concurrency] = process.argv.slice(2);
const address = JSON.parse(backend) as StoreAddress;
// No checksum on either side.
const client = createPeerClient(address, { requestChecksumCalculation: 'WHEN_REQUIRED' });
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
      Bucket: address.bucket,
      Key: `lib-storage/${Date.now()}`,
      Body: file === '-' ? process.stdin : createReadStream(file),
    },
  }).done(),
);
