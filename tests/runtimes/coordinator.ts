/**
 * Run by Bun and Deno: a coordinator on SQLite in memory, served by the runtime's own server. Its environment has the store:
 * STORE_URL, STORE_BUCKET, STORE_KEY_ID, STORE_SECRET. Prints its port.
 */
import process from 'node:process';
import { createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';

type Fetch = (request: Request) => Response | Promise<Response>;

/** As much of each runtime's server as is needed here. */
interface Runtimes {
  readonly Bun?: { serve(options: { port: number; fetch: Fetch }): { readonly port: number } };
  readonly Deno?: {
    serve(options: { port: number; onListen: () => void }, fetch: Fetch): { readonly addr: { port: number } };
  };
}

const { STORE_URL = '', STORE_BUCKET = '', STORE_KEY_ID = '', STORE_SECRET = '' } = process.env;
const memory = createSqliteStore({ path: ':memory:' });
await memory.catalog.migrate();
const app = createCoordinator({
  ...memory,
  objectStore: createS3ObjectStore({
    bucket: STORE_BUCKET,
    endpoint: STORE_URL,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: STORE_KEY_ID, secretAccessKey: STORE_SECRET },
    profile: localS3Profile,
  }),
  tokenKeys: ['a key for tests that is long enough'],
});

const { Bun, Deno } = globalThis as Runtimes;
const fetch: Fetch = (request) => app.fetch(request);
console.log(
  Bun?.serve({ port: 0, fetch }).port ?? Deno?.serve({ port: 0, onListen: () => {} }, fetch).addr.port,
);
