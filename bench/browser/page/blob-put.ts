// Parts sent as barely as a page can: slices by XMLHttpRequest, six at once, nothing watched and nothing repeated.
import { offer } from './bench-page.ts';
import { sinkUpload } from './sink-upload.ts';

const PART_SIZE_BYTES = 16 * 1024 ** 2;
const CONNECTIONS = 6;

offer((target) => async (file) => {
  const upload = await sinkUpload(target, 'blob-put');
  const partCount = Math.ceil(file.size / PART_SIZE_BYTES);
  let next = 0;
  const connection = async (): Promise<void> => {
    while (next < partCount) {
      const offsetBytes = next++ * PART_SIZE_BYTES;
      await put(upload.partUrl(next), file.slice(offsetBytes, offsetBytes + PART_SIZE_BYTES));
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, connection));
  await upload.complete();
});

function put(url: string, body: Blob): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.onload = () =>
      request.status === 200 ? resolve() : reject(new Error(`status ${request.status}`));
    request.onerror = () => reject(new Error('no network'));
    request.open('PUT', url);
    request.send(body);
  });
}
