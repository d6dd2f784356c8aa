import { createUploader } from '@longhaul/sdk';
import { offer } from './bench-page.ts';

offer(async (file, { coordinator, options }) => {
  await createUploader({ coordinator, ...options }).upload(file).result;
});
