import { createUploader } from '@longhaul/sdk';
import { measure } from './measure.ts';

const [file = '', backend = '{}', partSizeBytes, concurrency, integrity] = process.argv.slice(2);
const { coordinator } = JSON.parse(backend) as { coordinator: string };
// What is not asked for stays as it is for everybody.
const uploader = createUploader({
  coordinator,
  ...(partSizeBytes && { partSizeBytes: Number(partSizeBytes) }),
  ...(concurrency && { concurrency: Number(concurrency) }),
  ...(integrity && { integrity: integrity === 'on' }),
});
await measure(async () => {
  const { proof } = await uploader.upload(file, { resume: false }).result;
  if (integrity === 'on' && proof !== 'checksum') throw new Error(`only the ${proof} was proved`);
});
