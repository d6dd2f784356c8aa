import type { Catalog } from '@longhaul/coordinator';
import { createSimulatedKeyVault } from './store/simulated-key-vault.ts';
import { createSimulatedObjectStore } from './store/simulated-object-store.ts';
import { createSimulatedS3 } from './store/simulated-s3.ts';
import { createSimulatedState } from './store/simulated-state.ts';
import { STORE_TRAITS } from './store/store-traits.ts';

/**
 * Calls that no use-case makes: the process and its commands do, and nothing follows them. And what only uploads and copies under keys
 * of their clients need, which nobody here sends.
 */
const NOT_OF_USE_CASES = new Set([
  'close',
  'locationOf',
  'oldestOpenCreatedAtEpochMs',
  'openUploads',
  'signCreate',
  'signGet',
]);

/** Before and after every call of every port: read off the ports themselves, so that a new method is a new point. */
export function killPointsOf(catalog: Catalog): readonly string[] {
  const never = { nowEpochMs: () => 0, randomUuid: () => '' };
  const s3 = createSimulatedS3({ traits: STORE_TRAITS.strict, versioned: false, ...never });
  const ports = {
    catalog,
    outbox: catalog.outbox,
    rotations: catalog.rotations,
    keyVault: createSimulatedKeyVault(never.nowEpochMs).vault,
    state: createSimulatedState({ ...never, ttlSeconds: 1 }).store,
    objectStore: createSimulatedObjectStore(s3, never.nowEpochMs),
  };
  const calls = Object.entries(ports).flatMap(([port, methods]) =>
    Object.entries(methods)
      .filter(([method, value]) => typeof value === 'function' && !NOT_OF_USE_CASES.has(method))
      .map(([method]) => `${port}.${method}`),
  );
  return [...calls, 'sink.publish'].flatMap((call) => [`${call} before`, `${call} after`]);
}
