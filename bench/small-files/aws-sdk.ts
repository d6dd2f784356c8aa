// One client for each of the two ways of the AWS SDK: PutObject, and Upload of lib-storage.
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { measure } from '../node-upload/measure.ts';

const [folder = '', backend = '{}', concurrency, way] = process.argv.slice(2);
const { endpoint, bucket, credentials } = JSON.parse(backend) as {
  endpoint: string;
  bucket: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
};
const client = new S3Client({
  endpoint,
  credentials,
  region: 'us-east-1',
  forcePathStyle: true,
});

async function send(file: string): Promise<unknown> {
  const target = { Bucket: bucket, Key: `${way}/${file}` };
  const path = join(folder, file);
  if (way === 'PutObject')
    return await client.send(new PutObjectCommand({ ...target, Body: await readFile(path) }));
  return await new Upload({ client, params: { ...target, Body: createReadStream(path) } }).done();
}

const files = await readdir(folder);
await measure(async () => {
  const queue = files.values();
  const lane = async (): Promise<void> => {
    for (const file of queue) await send(file);
  };
  await Promise.all(Array.from({ length: Number(concurrency) }, lane));
});
