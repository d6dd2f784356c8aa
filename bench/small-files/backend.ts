// The other side of the bench, in a process of its own: a store in a folder and a coordinator in front of it, each
// answering after `latencyMs`. Prints one line of JSON once both listen; tells its parent how often it was called.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';

const [folder = '.', latencyMs = '0'] = process.argv.slice(2);
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const bucket = 'bench';
const counts = { coordinator: 0, store: 0 };

/** Serves `fetch` on a free port and counts the calls. */
async function listen(
  name: keyof typeof counts,
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<string> {
  const server = createAdaptorServer({
    fetch: async (request) => {
      counts[name]++;
      if (latencyMs !== '0') await sleep(Number(latencyMs));
      return await fetch(request);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

const path = join(folder, 'objects');
await mkdir(path, { recursive: true });
const s3 = createLocalS3({ storage: { kind: 'folder', path }, credentials, buckets: [bucket] });
// Coordinator and store are neighbours: only the client is far away.
const { url: inside } = await s3.listen();
const endpoint = await listen('store', (request) => s3.fetch(request));
const store = createSqliteStore({ path: join(folder, 'longhaul.sqlite') });
await store.catalog.migrate();
const objectStore = createS3ObjectStore({
  bucket,
  region: 'us-east-1',
  endpoint: inside,
  publicEndpoint: endpoint,
  forcePathStyle: true,
  credentials,
  profile: localS3Profile,
});
const app = createCoordinator({
  ...store,
  objectStore,
  tokenKeys: ['a key for the bench that is long enough'],
});
const coordinator = await listen('coordinator', (request) => app.fetch(request));
process.stdout.write(`${JSON.stringify({ endpoint, coordinator, bucket, credentials })}\n`);
process.on('message', () => {
  process.send?.({ ...counts });
  Object.assign(counts, { coordinator: 0, store: 0 });
});
process.once('disconnect', () => process.exit());
