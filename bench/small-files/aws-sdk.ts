// One client for each of the two ways of the AWS SDK: PutObject, and Upload of lib-storage.
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { createPeerClient, type StoreAddress } from '../measuring/peer-s3-client.ts';
import { measure } from '../node-upload/measure.ts';

const [folder = '', backend = '{}', concurrency, way] = process.argv.slice(2);
const address = JSON.parse(backend) as StoreAddress;
const client = createPeerClient(address);

async function send(file: string): Promise<unknown> {
  const target = { Bucket: address.bucket, Key: `${way}/${file}` };
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
