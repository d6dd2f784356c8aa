import { createUploader } from '@longhaul/sdk';
import { bar, cancel, file, outcome } from './page.ts';

const uploader = createUploader({ coordinator: import.meta.env.VITE_COORDINATOR });

file.addEventListener('change', () => {
  for (const picked of file.files ?? []) void upload(picked);
});

async function upload(picked: File): Promise<void> {
  const handle = uploader.upload(picked);
  handle.on('progress', ({ sentBytes }) => (bar.value = sentBytes / picked.size));
  // What becomes of a cancel is told by the result, below.
  cancel.onclick = () => handle.cancel().catch(() => {});
  outcome.textContent = `Uploading ${picked.name}`;
  try {
    const { bucket, key } = await handle.result;
    outcome.textContent = `${picked.name} is stored as ${key} in the bucket ${bucket}.`;
  } catch (error) {
    outcome.textContent = String(error);
  }
}
