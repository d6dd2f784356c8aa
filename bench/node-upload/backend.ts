// The other side of the bench, in a process of its own: a store and a coordinator in front of it.
// Prints one line of JSON once both listen, and ends with its parent.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import { listen } from '../../packages/coordinator/src/lib/process/server.ts';
import { listenSink, openSink } from './sink.ts';

const [kind = 'sink', folder = '.'] = process.argv.slice(2);
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const bucket = 'bench';

async function startStore(): Promise<string> {
  if (kind === 'sink') return await listenSink();
  if (kind === 'tls-sink') {
    const [key, cert] = await Promise.all([
      readFile(join(folder, 'key.pem')),
      readFile(join(folder, 'cert.pem')),
    ]);
    return (await openSink('127.0.0.1', { key, cert })).url;
  }
  const path = join(folder, 'objects');
  await mkdir(path, { recursive: true });
  return (await createLocalS3({ storage: { kind: 'folder', path }, credentials, buckets: [bucket] }).listen())
    .url;
}

const endpoint = await startStore();
const memory = createSqliteStore({ path: ':memory:' });
await memory.catalog.migrate();
const objectStore = createS3ObjectStore({
  bucket,
  region: 'us-east-1',
  endpoint,
  forcePathStyle: true,
  credentials,
  profile: localS3Profile,
});
const app = createCoordinator({
  ...memory,
  objectStore,
  tokenKeys: ['a key for the bench that is long enough'],
});
const { url: coordinator } = await listen(app, { host: '127.0.0.1', port: 0 });
process.stdout.write(`${JSON.stringify({ endpoint, coordinator, bucket, credentials })}\n`);
process.once('disconnect', () => process.exit());
