// Copies what stands at a web address into the bucket, through the coordinator that LONGHAUL_COORDINATOR names.
import { createUploaderOn } from '@longhaul/sdk/core';
import { remotePlatform } from './platform.ts';

const { LONGHAUL_COORDINATOR: coordinator = 'http://127.0.0.1:8787' } = process.env;
const [address] = process.argv.slice(2);
if (!address) throw new TypeError('Write: start URL');

const upload = createUploaderOn(remotePlatform, { coordinator }).upload(new URL(address));
const { bucket, key, etag, sizeBytes } = await upload.result;
console.log(`${address} is s3://${bucket}/${key}, ${sizeBytes} bytes, ETag ${etag}`);
