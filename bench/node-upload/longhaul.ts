import { createUploader } from '@longhaul/sdk';
import { measure } from './measure.ts';

const [file = '', backend = '{}', partSizeBytes, concurrency] = process.argv.slice(2);
const { coordinator } = JSON.parse(backend) as { coordinator: string };
const uploader = createUploader({
  coordinator,
  partSizeBytes: Number(partSizeBytes),
  concurrency: Number(concurrency),
});
await measure(() => uploader.upload(file, { resume: false }).result);
