/**
 * What an adapter must do, as suites for vitest: run the one of your port in a test file of your own.
 *
 * @module
 */
export {
  describeObjectStore,
  type ObjectStoreHarness,
  type SendAnswer,
  type SetUpObjectStore,
} from './lib/testing/object-store.contract.ts';
export {
  describeStateStore,
  type StateStoreFixture,
  type StateStoreTraits,
} from './lib/testing/state-store.contract.ts';
export { type CatalogFixture, describeCatalog, type SetUpCatalog } from './lib/testing/catalog.contract.ts';
export { type EventSinkFixture, describeEventSink, exampleEvent } from './lib/testing/event-sink.contract.ts';
export { type CallLimiterFixture, describeCallLimiter } from './lib/testing/call-limiter.contract.ts';
export { describeKeyVault, type KeyVaultFixture } from './lib/testing/key-vault.contract.ts';
