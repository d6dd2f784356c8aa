// The far side of a link, in a process of its own: the sink and a coordinator in front of it, at the address given.
// Prints one line of JSON once both listen, answers every message with the sink's tally, cuts the sink's
// connections when told to `drop` them, and ends with its parent.
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { listen } from '../../packages/coordinator/src/lib/process/server.ts';
import { openSink } from '../node-upload/sink.ts';
import type { BackendAddress } from './backend-process.ts';

const [host = '127.0.0.1'] = process.argv.slice(2);
const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench-secret' };
const bucket = 'bench';

const sink = await openSink(host);
const memory = createSqliteStore({ path: ':memory:' });
await memory.catalog.migrate();
const objectStore = createS3ObjectStore({
  bucket,
  region: 'us-east-1',
  endpoint: sink.url,
  forcePathStyle: true,
  credentials,
  profile: localS3Profile,
});
const app = createCoordinator({
  ...memory,
  objectStore,
  tokenKeys: ['a key for the bench that is long enough'],
  // Nobody else lives on this network.
  authorize: () => 'bench',
  corsOrigins: ['*'],
  onError: console.error,
});
const { url: coordinator } = await listen(app, { host, port: 0 });
process.on('message', (message) => {
  if (message === 'drop') sink.dropConnections();
  process.send?.(sink.tally);
});
process.once('disconnect', () => process.exit());
const address: BackendAddress = { endpoint: sink.url, coordinator, bucket, credentials };
process.stdout.write(`${JSON.stringify(address)}\n`);
