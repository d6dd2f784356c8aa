// A store, a proxy before it, and a coordinator whose URLs lead through the proxy. Tells where they are, and on being
// asked how many PUTs have come; ends with its parent.
import { mkdir } from 'node:fs/promises';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import { listen } from '../../packages/coordinator/src/lib/process/server.ts';
import { startFaultProxy } from './fault-proxy.ts';

/** Where everything is. */
export interface FaultBackend {
  readonly store: string;
  readonly proxy: string;
  readonly coordinator: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const [path = '', throttled, reset, seed = '1'] = process.argv.slice(2);
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const bucket = 'bench';

await mkdir(path, { recursive: true });
const s3 = createLocalS3({ storage: { kind: 'folder', path }, credentials, buckets: [bucket] });
const { url: store } = await s3.listen();
const proxy = await startFaultProxy(store, { throttled: Number(throttled), reset: Number(reset), seed });
const memory = createSqliteStore({ path: ':memory:' });
await memory.catalog.migrate();
const objectStore = createS3ObjectStore({
  bucket,
  region: 'us-east-1',
  endpoint: store,
  publicEndpoint: proxy.url,
  forcePathStyle: true,
  credentials,
  profile: localS3Profile,
});
const tokenKeys = ['a key for the bench that is long enough'];
const app = createCoordinator({ ...memory, objectStore, tokenKeys });
const { url: coordinator } = await listen(app, { host: '127.0.0.1', port: 0 });

process.on('message', () => process.send?.(proxy.putCount()));
process.once('disconnect', () => process.exit());
process.send?.({ store, proxy: proxy.url, coordinator, bucket, credentials } satisfies FaultBackend);
