import { createUploader } from '@longhaul/sdk';
import { offer } from './bench-page.ts';

offer(({ coordinator, options }) => {
  const uploader = createUploader({ coordinator, ...options });
  return (file) => uploader.upload(file).result;
});
