// A service of your own, with the coordinator mounted in it. It knows its users; the coordinator asks it who they are.
import { serve } from '@hono/node-server';
import { createCoordinator } from '@longhaul/coordinator';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { Hono } from 'hono';
import { openObjectStore } from './object-store.ts';

const USERS: Readonly<Record<string, string>> = { 'Bearer ann-secret': 'ann', 'Bearer bob-secret': 'bob' };

const store = createSqliteStore({ path: process.env['LONGHAUL_SQLITE_FILE'] ?? ':memory:' });
await store.catalog.migrate();

const coordinator = createCoordinator({
  ...store,
  objectStore: await openObjectStore(),
  tokenKeys: [process.env['LONGHAUL_TOKEN_KEY'] ?? 'only for trying it out, 32 characters'],
  authorize: (request) => USERS[request.headers.get('authorization') ?? ''],
});

const app = new Hono();
app.get('/', (c) => c.text('My own service. Uploads are at /uploads.\n'));
app.route('/uploads', coordinator);

serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT'] ?? 3000) }, ({ port }) => {
  console.log(`http://127.0.0.1:${port}`);
});
