import pLimit from 'p-limit';
import { addCatalogGauges } from './catalog-gauges.ts';
import { type CoordinatorOptions, normalizeSettings } from './coordinator-options.ts';
import { settingsOf } from './coordinator-settings.ts';
import type { Catalog, Installation } from './ports/catalog.ts';
import { measuredBackends } from './measured-ports.ts';
import { noMetrics } from './ports/metrics.ts';
import { currentCall } from './http/call-scope.ts';
import { Secret } from './secret.ts';
import { systemClock } from './system-clock.ts';
import { createActivityNotes } from './uploads/activity.ts';
import type { UploadContext } from './uploads/context.ts';
import { createPartMeter } from './uploads/part-meter.ts';
import { createUploadTokens } from './uploads/upload-token.ts';

/** Calls to the store that one process starts at once for rebuilding and listing. */
const STORE_CALLS_AT_ONCE = 8;

const contexts = new WeakMap<CoordinatorOptions, UploadContext>();

/**
 * What the use-cases work with. The same options give the same context, so that the app and the work in the background
 * know of each other's completions.
 *
 * @throws TypeError when a setting is out of range or a token key too short, naming all of them
 */
export function contextOf(options: CoordinatorOptions): UploadContext {
  const known = contexts.get(options);
  if (known) return known;
  const context = createContext(options);
  contexts.set(options, context);
  return context;
}

function createContext(options: CoordinatorOptions): UploadContext {
  const settings = normalizeSettings(options);
  const { clock = systemClock, metrics = noMetrics } = options;
  const onError = onErrorOf(options);
  const backends = options.metrics ? measuredBackends(options, metrics) : options;
  const { catalog, objectStore, state } = backends;
  if (options.metrics) addCatalogGauges(metrics, { catalog: options.catalog, clock, onError });
  return {
    objectStore,
    catalog,
    state,
    keyVault: options.keyVault,
    clock,
    tokens: createUploadTokens(
      options.tokenKeys.map((key) => (key instanceof Secret ? key : new Secret(key))),
      settingsOf(options).tokenLifetimeSeconds,
      clock,
    ),
    settings,
    quotaFor: options.quotaFor,
    noteActivity: createActivityNotes({ catalog, clock, idleLimitMs: settings.idleLimitMs, onError }),
    installation: installationOf(catalog),
    completions: new Map(),
    rotations: new Map(),
    rebuilds: new Map(),
    metrics,
    partMeter: createPartMeter(metrics, { bucket: objectStore.bucket, clock }),
    storeCalls: pLimit(STORE_CALLS_AT_ONCE),
    onError,
  };
}

/** Failures are told with the call that they befell, where there is one. */
function onErrorOf({ onError }: CoordinatorOptions): (error: unknown) => void {
  return (error) => onError?.(error, currentCall());
}

/** Asked of the catalog until it has answered once. */
function installationOf(catalog: Catalog): () => Promise<Installation> {
  let known: Installation | undefined;
  return async () => (known ??= await catalog.installation());
}
