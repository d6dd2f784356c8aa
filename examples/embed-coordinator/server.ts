// A service of your own, with the coordinator mounted in it. It knows its users; the coordinator asks it who they are.
import { serve } from '@hono/node-server';
import {
  type CoordinatorOptions,
  createCoordinator,
  createListenerSink,
  startBackgroundWork,
} from '@longhaul/coordinator';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { Hono } from 'hono';
import { openObjectStore } from './object-store.ts';

const USERS: Readonly<Record<string, string>> = { 'Bearer ann-secret': 'ann', 'Bearer bob-secret': 'bob' };

const store = createSqliteStore({ path: process.env['LONGHAUL_SQLITE_FILE'] ?? ':memory:' });
await store.catalog.migrate();

const options: CoordinatorOptions = {
  ...store,
  objectStore: await openObjectStore(),
  tokenKeys: [process.env['LONGHAUL_TOKEN_KEY'] ?? 'only for trying it out, 32 characters'],
  authorize: (request) => USERS[request.headers.get('authorization') ?? ''],
  // Told at least once, in order for each upload; a throw means: again later.
  sinks: [
    createListenerSink(({ type, data }) => console.log(`${type} ${data.owner} ${data.name} ${data.key}`)),
  ],
};

const app = new Hono();
app.get('/', (c) => c.text('My own service. Uploads are at /uploads.\n'));
app.route('/uploads', createCoordinator(options));

// Drives on what was cut short, ends what is idle, and tells the sinks.
const work = startBackgroundWork(options);
process.once('SIGTERM', () => void work.stop().then(() => process.exit(0)));

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`);
});
