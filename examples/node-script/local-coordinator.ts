// A coordinator and a store in this process, in memory: enough to try the script with nothing else running.
import { randomUUID } from 'node:crypto';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import type { CoordinatorFetch } from '@longhaul/sdk';

/** The SDK takes the coordinator's `fetch` as well as its address. */
export async function startLocalCoordinator(): Promise<{ fetch: CoordinatorFetch; stop(): Promise<void> }> {
  const credentials = { accessKeyId: 'example', secretAccessKey: randomUUID() };
  const localS3 = await createLocalS3({
    storage: { kind: 'memory' },
    credentials,
    buckets: ['example'],
  }).listen();
  const objectStore = createS3ObjectStore({
    bucket: 'example',
    region: 'us-east-1',
    endpoint: localS3.url,
    forcePathStyle: true,
    credentials,
    profile: localS3Profile,
  });
  const store = createSqliteStore({ path: ':memory:' });
  await store.catalog.migrate();
  const app = createCoordinator({ ...store, objectStore, tokenKeys: [randomUUID()] });
  return {
    fetch: (request) => app.fetch(request),
    async stop() {
      objectStore.close();
      await localS3.close();
    },
  };
}
