/**
 * Run by Bun and Deno: `upload.ts COORDINATOR paths|blobs FILE…` uploads files one after the other, by path through the
 * package's own entry, or as Blobs by `fetch`. Prints the result of each, as JSON on a line.
 */
import { openAsBlob } from 'node:fs';
import process from 'node:process';
import { createUploader } from '@longhaul/sdk';
import { createUploader as createWebUploader } from '@longhaul/sdk/web';

const [coordinator = '', kind, ...files] = process.argv.slice(2);
const options = { coordinator, partSizeBytes: 5 * 1024 ** 2 };
const byPath = createUploader(options);
const byFetch = createWebUploader(options);

for (const file of files) {
  const upload = kind === 'paths' ? byPath.upload(file) : byFetch.upload(await openAsBlob(file));
  console.log(JSON.stringify(await upload.result));
}
// Connections that are kept alive would keep it running.
process.exit();
