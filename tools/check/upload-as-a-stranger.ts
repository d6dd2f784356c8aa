// Copied into an empty project that has nothing but the packages: a whole upload through what was published.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import { createUploader } from '@longhaul/sdk';

const MEBIBYTE = 1024 ** 2;
const credentials = { accessKeyId: 'stranger', secretAccessKey: randomUUID() };
const localS3 = createLocalS3({
  storage: { kind: 'folder', path: './store' },
  credentials,
  buckets: ['files'],
});
const { url, close } = await localS3.listen();
const objectStore = createS3ObjectStore({
  bucket: 'files',
  region: 'us-east-1',
  endpoint: url,
  forcePathStyle: true,
  credentials,
  profile: localS3Profile,
});
const store = createSqliteStore({ path: './longhaul.sqlite' });
await store.catalog.migrate();
const app = createCoordinator({
  ...store,
  objectStore,
  tokenKeys: [randomUUID()],
  singlePutThresholdBytes: 5 * MEBIBYTE,
});

const content = randomBytes(17 * MEBIBYTE);
await writeFile('./file.bin', content);
const uploader = createUploader({
  coordinator: (request) => app.fetch(request),
  partSizeBytes: 5 * MEBIBYTE,
});
const result = await uploader.upload('./file.bin').result;

assert.equal(result.sizeBytes, content.length);
assert.ok(result.partCount > 1, `expected several parts, got ${result.partCount}`);
const stored = await readFile(localS3.objectFile(result.bucket, result.key) ?? '');
assert.equal(sha256(stored), sha256(content));

objectStore.close();
await store.catalog.close();
await close();

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
