import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createUploader } from '@longhaul/sdk';
import { measure } from '../node-upload/measure.ts';

const [folder = '', backend = '{}', concurrency] = process.argv.slice(2);
const { coordinator } = JSON.parse(backend) as { coordinator: string };
const uploader = createUploader({ coordinator, concurrency: Number(concurrency) });
const files = await readdir(folder);
await measure(async () => {
  await Promise.all(files.map((file) => uploader.upload(join(folder, file)).result));
});
