import type { UploadRecord } from './ports/upload-record.ts';
import { measured } from './measured.ts';
import type { Catalog, InsertOutcome } from './ports/catalog.ts';
import type { Counter, Histogram, Metrics } from './ports/metrics.ts';
import { type ObjectStore, ObjectStoreError } from './ports/object-store.ts';
import type { RotationRecord } from './ports/rotations.ts';
import type { StateStore } from './ports/state-store.ts';

/** The ports whose calls leave the process. */
interface Backends {
  readonly objectStore: ObjectStore;
  readonly catalog: Catalog;
  readonly state: StateStore;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

/** The same ports; how long their calls take and how they end is counted, and what becomes of uploads. */
export function measuredBackends(backends: Backends, metrics: Metrics): Backends {
  const calls = metrics.histogram({
    name: 'longhaul_backend_call_duration_seconds',
    help: 'Calls to what stands behind the coordinator: the object store, the catalog with its outbox, the state store.',
    labelNames: ['backend', 'operation', 'outcome'],
    buckets: SECONDS,
  });
  return {
    objectStore: measuredStore(backends.objectStore, calls),
    catalog: measuredCatalog(backends.catalog, calls, metrics),
    state: measured(backends.state, ({ operation, durationMs, error }) =>
      calls.observe(durationMs / 1000, { backend: 'state', operation, outcome: error ? 'error' : 'ok' }),
    ),
  };
}

function measuredStore(objectStore: ObjectStore, calls: Histogram): ObjectStore {
  return measured(objectStore, ({ operation, durationMs, answer, error }) => {
    // Signing asks nobody.
    if (operation.startsWith('sign')) return;
    const outcome = error ? kindOf(error) : verdictOf(answer);
    calls.observe(durationMs / 1000, { backend: 's3', operation, outcome });
  });
}

function kindOf(error: unknown): string {
  return error instanceof ObjectStoreError ? error.kind : 'error';
}

/** Completing answers with what came of it, where others throw. */
function verdictOf(answer: unknown): string {
  const { kind } = (answer ?? {}) as { readonly kind?: unknown };
  return kind === 'refused' || kind === 'unknown' ? kind : 'ok';
}

/** Operations of the catalog that end an upload, if they answer its row. */
const ENDINGS: ReadonlySet<string> = new Set(['finishCompletion', 'fail', 'finishAbort']);

function measuredCatalog(catalog: Catalog, calls: Histogram, metrics: Metrics): Catalog {
  const count = uploadCounters(metrics);
  const observe =
    (backend: string): Parameters<typeof measured>[1] =>
    ({ operation, durationMs, answer, error }) => {
      calls.observe(durationMs / 1000, { backend, operation, outcome: error ? 'error' : 'ok' });
      if (!error) count(operation, answer);
    };
  const outbox = measured(catalog.outbox, ({ operation, durationMs, error }) =>
    calls.observe(durationMs / 1000, {
      backend: 'catalog',
      operation: `outbox_${operation}`,
      outcome: error ? 'error' : 'ok',
    }),
  );
  const countRotation = rotationCounters(metrics);
  const rotations = measured(catalog.rotations, ({ operation, durationMs, answer, error }) => {
    const outcome = error ? 'error' : 'ok';
    calls.observe(durationMs / 1000, { backend: 'catalog', operation: `rotations_${operation}`, outcome });
    if (!error) countRotation(operation, answer);
  });
  const inner: Readonly<Record<string | symbol, unknown>> = { outbox, rotations };
  return new Proxy(measured(catalog, observe('catalog')), {
    get: (target, name) => inner[name] ?? (Reflect.get(target, name, target) as unknown),
  });
}

/** What the answers of the catalog tell of uploads: each change of state has one winner, who is told the row. */
function uploadCounters(metrics: Metrics): (operation: string, answer: unknown) => void {
  const created: Counter = metrics.counter({
    name: 'longhaul_uploads_created_total',
    help: 'Uploads that were begun, repeated and resumed creates not among them.',
    labelNames: ['mode'],
  });
  const ended: Counter = metrics.counter({
    name: 'longhaul_uploads_ended_total',
    help: 'Uploads that have ended, by their last state.',
    labelNames: ['state'],
  });
  return (operation, answer) => {
    if (operation === 'insert') {
      const { kind, record } = answer as InsertOutcome;
      if (kind === 'inserted') created.add(1, { mode: record.mode });
    } else if (ENDINGS.has(operation) && answer !== undefined) {
      ended.add(1, { state: (answer as UploadRecord).state });
    }
  };
}

/** The same of rotations. What is copied counts when it becomes the object: parts are copied twice now and then. */
function rotationCounters(metrics: Metrics): (operation: string, answer: unknown) => void {
  const ended: Counter = metrics.counter({
    name: 'longhaul_rotations_ended_total',
    help: 'Rotations that have ended, by their last state.',
    labelNames: ['state'],
  });
  const rotatedBytes: Counter = metrics.counter({
    name: 'longhaul_rotated_bytes_total',
    help: 'Bytes of objects that were given another encryption.',
    labelNames: [],
  });
  return (operation, answer) => {
    if (answer === undefined) return;
    if (operation === 'finish' || operation === 'fail')
      ended.add(1, { state: (answer as RotationRecord).state });
    else if (operation === 'switchObject') rotatedBytes.add((answer as RotationRecord).plan.sizeBytes, {});
  };
}
