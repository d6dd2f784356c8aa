export { createCoordinator } from './lib/create-coordinator.ts';
export { CoordinatorError, type ProblemDetails } from './lib/coordinator-error.ts';
export {
  type CoordinatorOptions,
  type CoordinatorSettings,
  DEFAULT_SETTINGS,
} from './lib/coordinator-options.ts';
export type { Authorize } from './lib/ports/authorizer.ts';
export * from './lib/ports/catalog.ts';
export type { Clock } from './lib/ports/clock.ts';
export * from './lib/ports/event-sink.ts';
export * from './lib/ports/object-store.ts';
export * from './lib/ports/outbox.ts';
export * from './lib/ports/state-store.ts';
export type { StoreProfile, FullObjectAlgorithm } from './lib/ports/store-profile.ts';
