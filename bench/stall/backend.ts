// A sink, a line before it on which one connection dies, and a coordinator. Tells where they are; ends with its parent.
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { listen } from '../../packages/coordinator/src/lib/process/server.ts';
import { listenSink } from '../node-upload/sink.ts';
import { type Death, startLine } from './line.ts';

/** Where everything is. */
export interface StallBackend {
  readonly proxy: string;
  readonly coordinator: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const [death = 'none', atBytes, bytesPerSecond] = process.argv.slice(2);
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const bucket = 'bench';

const store = await listenSink();
const proxy = await startLine(store, {
  death: death as Death,
  atBytes: Number(atBytes),
  bytesPerSecond: Number(bytesPerSecond),
});
const memory = createSqliteStore({ path: ':memory:' });
await memory.catalog.migrate();
const objectStore = createS3ObjectStore({
  bucket,
  region: 'us-east-1',
  endpoint: store,
  publicEndpoint: proxy,
  forcePathStyle: true,
  credentials,
  profile: localS3Profile,
});
const tokenKeys = ['a key for the bench that is long enough'];
const app = createCoordinator({ ...memory, objectStore, tokenKeys });
const { url: coordinator } = await listen(app, { host: '127.0.0.1', port: 0 });

process.once('disconnect', () => process.exit());
process.send?.({ proxy, coordinator, bucket, credentials } satisfies StallBackend);
