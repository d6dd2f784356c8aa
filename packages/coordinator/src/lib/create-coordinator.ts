import type { Hono } from 'hono';
import pLimit from 'p-limit';
import { type CoordinatorOptions, normalizeSettings, settingsOf } from './coordinator-options.ts';
import { createApp } from './http/app.ts';
import { systemClock } from './system-clock.ts';
import { createActivityNotes } from './uploads/activity.ts';
import type { UploadContext } from './uploads/context.ts';
import { createUploadTokens } from './uploads/upload-token.ts';

/** Calls to the store that one process starts at once for rebuilding and listing. */
const STORE_CALLS_AT_ONCE = 8;

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
  const settings = normalizeSettings(options);
  const clock = options.clock ?? systemClock;
  const context: UploadContext = {
    objectStore: options.objectStore,
    catalog: options.catalog,
    state: options.state,
    clock,
    tokens: createUploadTokens(options.tokenKeys, settingsOf(options).tokenLifetimeSeconds, clock),
    settings,
    noteActivity: createActivityNotes(options.catalog, clock, settings.idleLimitMs),
    completions: new Map(),
    rebuilds: new Map(),
    storeCalls: pLimit(STORE_CALLS_AT_ONCE),
    onError: options.onError ?? (() => undefined),
  };
  return createApp(context, { authorize: options.authorize, corsOrigins: options.corsOrigins });
}
