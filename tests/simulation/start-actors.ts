import type { ObjectStore, StateStore, UploadRecord } from '@longhaul/coordinator';
import { type Client, startClient } from './actors/client.ts';
import type { Server } from './actors/coordinator-network.ts';
import { type Replica, startReplica } from './actors/replica.ts';
import { type Rotator, startRotator } from './actors/rotator.ts';
import { createStoreClient } from './actors/store-client.ts';
import { createObserver, idIn } from './engine/observer.ts';
import { createWire } from './engine/wire.ts';
import { type History, isRecord } from './history.ts';
import type { Mutated, Mutation } from './mutation.ts';
import { createSimulatedObjectStore } from './store/simulated-object-store.ts';
import type { World } from './world.ts';

/** Longer than a store is thought to work on one Complete, several times over. */
const ATTEMPT_OVER_AFTER_SECONDS = 2 * 3600;

/** What stands behind coordinators, with what the mutation takes away. */
export function openPorts(
  { scheduler, rotations, s3, database }: World,
  state: StateStore,
  mutation: Mutation | undefined,
): Mutated {
  const direct = createSimulatedObjectStore(s3, scheduler.nowEpochMs);
  const objectStore: ObjectStore = {
    ...direct,
    async deleteObject(object) {
      rotations.deleting(object);
      await direct.deleteObject(object);
    },
    async deleteVersions(object) {
      rotations.deleting(object);
      await direct.deleteVersions(object);
    },
  };
  const real: Mutated = {
    catalog: database.catalog,
    shown: database.catalog,
    state,
    objectStore,
    ofProcess: (catalog) => catalog,
    storeOfProcess: (store) => store,
  };
  return { ...real, ...mutation?.mutate({ ...real, s3, nowEpochMs: scheduler.nowEpochMs }) };
}

/** Starts the coordinators. */
export function startReplicas(world: World, ports: Mutated): readonly Replica[] {
  const { scheduler, faults, history, rotations, s3, plan, tallies } = world;
  const wire = createWire({ scheduler, random: world.random.fork('wire') });
  const observer = createObserver(tallies.branches);
  const killer = createKiller(world);
  const storeRandom = world.random.fork('store client');
  return Array.from({ length: plan.replicaCount }, (_, index) =>
    startReplica(
      {
        scheduler,
        random: world.random.fork(`replica ${index}`),
        faults,
        wire,
        catalog: ports.catalog,
        catalogOfProcess: ports.ofProcess,
        state: ports.state,
        keyVault: plan.hasVault ? world.keyVault.vault : undefined,
        sink: {
          name: 'everybody',
          async publish(event) {
            history.told(event);
            rotations.told(event);
          },
          close: () => Promise.resolve(),
        },
        storeFor: (caller) =>
          ports.storeOfProcess(
            createStoreClient(
              {
                scheduler,
                random: storeRandom,
                faults,
                wire,
                s3,
                direct: ports.objectStore,
                watch: {
                  completing: history.completing,
                  deleted: (key) => history.doom(idIn(key)),
                  aborting: history.aborting,
                  completeAnswered: observer.answered,
                  observe: () => undefined,
                  heard: observer.store,
                },
              },
              caller,
            ),
          ),
        settings: {
          keyTemplate: 'longhaul/{installationId}/{connectorId}/{nodeId}',
          idleLimitSeconds: plan.idleLimitSeconds,
          attemptOverAfterSeconds: ATTEMPT_OVER_AFTER_SECONDS,
        },
        observe(service, call) {
          if (service === 'state') history.state(call);
          if (service === 'rotations') rotations.rotations(call);
          if (service !== 'catalog') return;
          history.catalog(call);
          if (isRecord(call.result)) rotations.seen(call.result);
          observer.catalog(call);
        },
        isKilledAt: killer,
        onCrash: () => tallies.crashes.count('replica'),
        onError: (error) => noteError(history, error),
      },
      `replica${index + 1}`,
    ),
  );
}

const EXPECTED = new Set([
  'CatalogError',
  'StateStoreError',
  'ObjectStoreError',
  'EventSinkError',
  'KeyVaultError',
  'CoordinatorError',
]);

/** Failures of what stands behind a coordinator are its business; anything else is a bug in it. */
function noteError(history: History, error: unknown): void {
  const isExpected = error instanceof Error && EXPECTED.has(error.name);
  if (!isExpected)
    history.violate(`a coordinator has failed: ${error instanceof Error ? error.stack : String(error)}`);
}

/** Kills a process when it comes to the planned point for the nth time, once in a schedule. */
function createKiller({ plan, tallies }: World): (point: string) => boolean {
  let left = plan.kill.occurrence;
  return (point) => {
    if (point !== plan.kill.point || --left !== 0) return false;
    tallies.killPoints.count(point);
    return true;
  };
}

/** Starts those who upload. */
export function startClients(
  world: World,
  replicas: readonly Replica[],
  mutation: Mutation | undefined,
): readonly Client[] {
  const { scheduler, faults, s3, plan, tallies } = world;
  const servers = (): readonly Server[] => replicas.flatMap(({ server }) => server ?? []);
  const coordinators = {
    scheduler,
    random: world.random.fork('coordinators'),
    faults,
    servers,
    onTheWay: mutation?.onTheWay,
  };
  return plan.clients.map((client) =>
    startClient(
      {
        scheduler,
        random: world.random.fork(client.name),
        coordinators,
        parts: { scheduler, random: world.random.fork(`${client.name} parts`), faults, s3 },
        isHealed: () => faults.isHealed,
        onCrash: () => tallies.crashes.count('client'),
        onFileChange: () => faults.struck('file changed'),
        onStreamBreak: () => faults.struck('stream broke off'),
        onSleep: () => faults.struck('machine of a client slept'),
      },
      client,
    ),
  );
}

/** Starts those who rotate. */
export function startRotators(world: World, replicas: readonly Replica[]): readonly Rotator[] {
  const { scheduler, faults, history, plan, database, tallies } = world;
  const keys = new Map<string, string>();
  const completeOf = async (owner: string): Promise<readonly UploadRecord[]> => {
    const rows = await Promise.all([...history.uploadIds].map((uploadId) => database.catalog.find(uploadId)));
    return rows.flatMap((row) => (row?.owner === owner && row.state === 'COMPLETED' ? row : []));
  };
  const coordinators = {
    scheduler,
    random: world.random.fork('coordinators of rotators'),
    faults,
    servers: (): readonly Server[] => replicas.flatMap(({ server }) => server ?? []),
  };
  return plan.rotators.map((rotator) =>
    startRotator(
      {
        scheduler,
        random: world.random.fork(rotator.name),
        coordinators,
        completeOf,
        keys,
        isHealed: () => faults.isHealed,
        onCrash: () => tallies.crashes.count('client'),
      },
      rotator,
    ),
  );
}
