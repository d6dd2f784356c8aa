// A coordinator and a store in this process, in memory: enough to try the page with nothing else running.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createAdaptorServer } from '@hono/node-server';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';

/** Its address. It runs as long as the process. */
export async function startLocalCoordinator(): Promise<string> {
  const credentials = { accessKeyId: 'example', secretAccessKey: randomUUID() };
  const storage = { kind: 'memory' } as const;
  const { url } = await createLocalS3({ storage, credentials, buckets: ['example'] }).listen();
  const objectStore = createS3ObjectStore({
    bucket: 'example',
    region: 'us-east-1',
    endpoint: url,
    forcePathStyle: true,
    credentials,
    profile: localS3Profile,
  });
  const store = createSqliteStore({ path: ':memory:' });
  await store.catalog.migrate();

  // Pages from other origins than this machine's would have to be named in `corsOrigins`.
  const app = createCoordinator({ ...store, objectStore, tokenKeys: [randomUUID()] });
  const server = createAdaptorServer({ fetch: app.fetch }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the coordinator has no port');
  return `http://127.0.0.1:${address.port}`;
}
