// Uploads a file from Node. LONGHAUL_COORDINATOR says where; without it a local one is made for the occasion.
import { resolve } from 'node:path';
import { createUploader } from '@longhaul/sdk';
import { startLocalCoordinator } from './local-coordinator.ts';

// INIT_CWD is where the user stands: pnpm runs scripts in the package's own folder.
const file = resolve(process.env['INIT_CWD'] ?? '.', process.argv[2] ?? import.meta.filename);
const local = process.env['LONGHAUL_COORDINATOR'] ? undefined : await startLocalCoordinator();
const coordinator = process.env['LONGHAUL_COORDINATOR'] ?? local?.fetch ?? '';

const uploader = createUploader({ coordinator });
const upload = uploader.upload(file);
upload.on('progress', ({ sentBytes, totalBytes }) => console.log(`${sentBytes} of ${totalBytes} bytes`));
const { bucket, key, etag, sizeBytes } = await upload.result;
console.log(`${file} is s3://${bucket}/${key}, ${sizeBytes} bytes, ETag ${etag}`);

await local?.stop();
