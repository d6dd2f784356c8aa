import type { Hono } from 'hono';
import type { CoordinatorOptions } from './coordinator-options.ts';
import { createApp } from './http/app.ts';
import { contextOf } from './upload-context.ts';

/**
 * A coordinator as a Hono app: mount it in any server, or call `app.fetch` in process.
 *
 * Run `catalog.migrate()` once before the first request.
 *
 * @throws TypeError when a setting is out of range or a token key too short, naming all of them
 * @example
 * const store = createSqliteStore({ path: 'longhaul.sqlite' });
 * await store.catalog.migrate();
 * const app = createCoordinator({ ...store, objectStore: createS3ObjectStore({ bucket, region }), tokenKeys, authorize });
 * serve({ fetch: app.fetch, port: 8787 });
 */
export function createCoordinator(options: CoordinatorOptions): Hono {
  return createApp(contextOf(options), { authorize: options.authorize, corsOrigins: options.corsOrigins });
}
