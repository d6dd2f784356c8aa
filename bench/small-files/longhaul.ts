import { createUploader } from '@longhaul/sdk';
import { filesOfFolder, uploadAll } from '@longhaul/sdk/many';
import { measure } from '../node-upload/measure.ts';

const [folder = '', backend = '{}', concurrency] = process.argv.slice(2);
const { coordinator } = JSON.parse(backend) as { coordinator: string };
const uploader = createUploader({ coordinator, concurrency: Number(concurrency) });
await measure(async () => {
  for (const { error } of await uploadAll(uploader, filesOfFolder(folder)).result) if (error) throw error;
});
