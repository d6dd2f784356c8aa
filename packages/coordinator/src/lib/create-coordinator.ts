import type { Hono } from 'hono';
import { type CoordinatorOptions } from './coordinator-options.ts';
import { NO_LIMIT, settingsOf } from './coordinator-settings.ts';
import { systemClock } from './system-clock.ts';
import { createApp } from './http/app.ts';
import { createCallLimits, type CallLimits } from './http/call-limits.ts';
import { createAddressOf } from './http/client-address.ts';
import { createMemoryCallLimiter } from './http/memory-call-limiter.ts';
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
  const context = contextOf(options);
  const { authorize, corsOrigins, onCall } = options;
  const limits = callLimitsOf(options, context.onError);
  return createApp(context, { authorize, corsOrigins, limits, onCall });
}

function callLimitsOf(options: CoordinatorOptions, onError: (error: unknown) => void): CallLimits {
  const { callsPerMinutePerOwner, callsPerMinutePerAddress, trustedProxyCount } = settingsOf(options);
  const { nowEpochMs } = options.clock ?? systemClock;
  const spare = createMemoryCallLimiter(nowEpochMs);
  return createCallLimits({
    perOwner: limitIn(callsPerMinutePerOwner),
    perAddress: limitIn(callsPerMinutePerAddress),
    addressOf: createAddressOf(trustedProxyCount),
    limiter: options.callLimiter ?? spare,
    spare,
    onError,
  });
}

function limitIn(setting: number): number | undefined {
  return setting === NO_LIMIT ? undefined : setting;
}
