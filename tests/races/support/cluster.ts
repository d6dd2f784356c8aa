import type { Hono } from 'hono';
import type { Sql } from 'postgres';
import {
  type CoordinatorOptions,
  type CoordinatorSettings,
  createCoordinator,
  type EventSink,
  type ObjectStore,
} from '@longhaul/coordinator';
import type { UploadEvent } from '@longhaul/protocol';
import type { CoordinatorFetch } from '@longhaul/sdk';
import { createDatabase, MEMORIES, type TestMemory } from '../../e2e/support/memories.ts';
import { type StoreKind, STORES, type TestStore } from '../../e2e/support/stores.ts';
import { missingCollector } from './collect-garbage.ts';
import { createPreviousCatalog } from './previous-catalog.ts';

/** One of several coordinators over the same bucket, database and Redis, each with connections of its own. */
export interface Replica {
  readonly options: CoordinatorOptions;
  readonly app: Hono;
  /** What an SDK takes for the address of this replica. */
  readonly coordinator: CoordinatorFetch;
  /** A program of the version before this one, which has neither sweeper nor relay. */
  readonly isPrevious: boolean;
}

/** Replicas, and what stands behind them. */
export interface Cluster {
  readonly kind: StoreKind;
  readonly store: TestStore;
  readonly replicas: readonly Replica[];
  /** Those of this version: they look after what others leave. */
  readonly sweepers: readonly Replica[];
  /** The database behind the replicas. */
  readonly sql: Sql;
  /** Everything that any replica's sink was told, in order. */
  readonly told: UploadEvent[];
  /** Failures that any replica met. */
  readonly errors: unknown[];
  close(): Promise<void>;
}

export interface ClusterOptions extends Partial<CoordinatorSettings> {
  readonly replicaCount?: number;
  /** How many of the replicas are of the version before this one. Default 0. */
  readonly previousCount?: number;
  /** Stands between a replica and the store. */
  readonly wrapStore?: (objectStore: ObjectStore) => ObjectStore;
}

const [, servers] = MEMORIES;
/** The stores that many machines share. */
export const SHARED_STORES: readonly StoreKind[] = STORES.filter(({ name }) => name !== 'local-s3');

/** Why a cluster over this store cannot be started here; empty when it can. */
export function missingFor(kind: StoreKind): string {
  const reasons = [kind.missing, servers?.missing, missingCollector(kind)];
  return reasons.filter((reason) => reason !== undefined).join(', ');
}

/** Starts replicas in this process. What they share is behind connections, as if each were a machine of its own. */
export async function startCluster(kind: StoreKind, options: ClusterOptions = {}): Promise<Cluster> {
  const {
    replicaCount = 3,
    previousCount = 0,
    wrapStore = (store: ObjectStore) => store,
    ...settings
  } = options;
  const [store, database] = await Promise.all([kind.open(), createDatabase()]);
  const memories: TestMemory[] = [];
  const told: UploadEvent[] = [];
  const errors: unknown[] = [];
  const sink: EventSink = {
    name: 'told',
    publish: (event) => Promise.resolve(void told.push(event)),
    close: () => Promise.resolve(),
  };
  const startReplica = async (isPrevious: boolean): Promise<Replica> => {
    const memory = await database.connect();
    memories.push(memory);
    const replica = {
      catalog: isPrevious ? createPreviousCatalog(database.sql, memory.catalog) : memory.catalog,
      state: memory.state,
      objectStore: wrapStore(store.objectStore),
      tokenKeys: ['a key for tests that is long enough'],
      sinks: [sink],
      onError: (error: unknown) => errors.push(error),
      ...settings,
    };
    const app = createCoordinator(replica);
    return { options: replica, app, coordinator: (request) => app.fetch(request), isPrevious };
  };
  const replicas = await Promise.all(
    Array.from({ length: replicaCount }, (_, index) => startReplica(index < previousCount)),
  );
  return {
    kind,
    store,
    replicas,
    sweepers: replicas.filter(({ isPrevious }) => !isPrevious),
    sql: database.sql,
    told,
    errors,
    async close() {
      await Promise.all(memories.map((memory) => memory.close()));
      await database.drop();
      await store.close();
    },
  };
}
