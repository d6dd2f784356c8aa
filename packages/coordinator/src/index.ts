export { createCoordinator } from './lib/create-coordinator.ts';
export {
  cancelUploadAsOperator,
  foreseeRotationAsOperator,
  reconcile,
  relay,
  rotateAsOperator,
  sweep,
  tidy,
  type TidyReport,
} from './lib/maintenance.ts';
export type { RotationOutlook } from './lib/uploads/rotations/foresee-rotation.ts';
export { type BackgroundPace, type BackgroundWork, startBackgroundWork } from './lib/background-work.ts';
export type { SweepReport } from './lib/uploads/sweep-uploads.ts';
export type {
  OpenUploadVerdict,
  ReconciledUpload,
  ReconcileReport,
} from './lib/uploads/reconcile-uploads.ts';
export { createListenerSink } from './lib/events/listener-sink.ts';
export type { RelayReport, RelayWish } from './lib/events/relay.ts';
export { CoordinatorError, type ProblemDetails } from './lib/coordinator-error.ts';
export { type CoordinatorOptions } from './lib/coordinator-options.ts';
export { type CoordinatorSettings, DEFAULT_SETTINGS, NO_LIMIT } from './lib/coordinator-settings.ts';
export * from './lib/ports/authorizer.ts';
export * from './lib/ports/call-limiter.ts';
export * from './lib/ports/catalog.ts';
export type { AnsweredCall, CallScope } from './lib/ports/answered-call.ts';
export type { Clock } from './lib/ports/clock.ts';
export * from './lib/ports/event-sink.ts';
export * from './lib/ports/metrics.ts';
export * from './lib/ports/object-store.ts';
export * from './lib/ports/outbox.ts';
export * from './lib/ports/owner-quota.ts';
export * from './lib/ports/rotations.ts';
export * from './lib/ports/state-store.ts';
export * from './lib/ports/upload-record.ts';
export type {
  EncryptionMode,
  FullObjectAlgorithm,
  StoreProfile,
  StoreProfileName,
} from './lib/ports/store-profile.ts';
