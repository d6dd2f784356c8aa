import type { Catalog, StateStore, UploadRecord } from '@longhaul/coordinator';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { boundsOf } from '@longhaul/protocol';
import { type Client, startClient } from './actors/client.ts';
import type { Server } from './actors/coordinator-network.ts';
import { type Replica, startReplica } from './actors/replica.ts';
import { createStoreClient } from './actors/store-client.ts';
import { checkOutcome, type Foreign } from './check.ts';
import { drawPlan } from './draw-plan.ts';
import { createFaults, type FaultName, type Faults } from './engine/faults.ts';
import { createObserver, FOREIGN_TYPE, idIn } from './engine/observer.ts';
import { createRandom, type Random } from './engine/random.ts';
import { createScheduler, type Scheduler, SchedulerError } from './engine/scheduler.ts';
import { createTally } from './engine/tally.ts';
import { withVirtualGlobals } from './engine/virtual-globals.ts';
import { createWire } from './engine/wire.ts';
import type { Mutation, Mutated } from './mutation.ts';
import { createHistory, type History } from './history.ts';
import { killPointsOf } from './kill-points.ts';
import type { Plan } from './plan.ts';
import { createSimulatedObjectStore } from './store/simulated-object-store.ts';
import { createSimulatedS3, type SimulatedS3, type StoreQuirks } from './store/simulated-s3.ts';
import { createSimulatedState } from './store/simulated-state.ts';
import { STORE_TRAITS } from './store/store-traits.ts';

/** What to run. */
export interface ScheduleWish {
  readonly seed: number;
  readonly mutation?: Mutation;
  /** Leads the schedule where something rare happens. Default: what the mutation asks for. */
  readonly bias?: ((plan: Plan) => Plan) | undefined;
  readonly keepTrace?: boolean;
}

/** What came of a schedule. */
export interface ScheduleReport {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly faults: ReadonlyMap<string, number>;
  readonly branches: ReadonlyMap<string, number>;
  readonly killPoints: ReadonlyMap<string, number>;
  /** Clients and replicas. */
  readonly actorCount: number;
  readonly faultCount: number;
  readonly crashCount: number;
  /** The same for two runs of one seed. */
  readonly hash: string;
  readonly trace: readonly string[];
  readonly eventCount: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Longer than a store is thought to work on one Complete, several times over. */
const ATTEMPT_OVER_AFTER_SECONDS = 2 * 3600;
/** A client that sends may need so long on a slow line. */
const SENDING_MS = HOUR_MS;

/** Runs one schedule from its seed to its end, and judges it. */
export async function runSchedule(wish: ScheduleWish): Promise<ScheduleReport> {
  const scheduler = createScheduler({ keepTrace: wish.keepTrace === true });
  return await withVirtualGlobals(scheduler, () => run(wish, scheduler));
}

async function run(
  { seed, mutation, bias = mutation?.bias }: ScheduleWish,
  scheduler: Scheduler,
): Promise<ScheduleReport> {
  const random = createRandom(`seed ${seed}`);
  const tallies = {
    faults: createTally(),
    branches: createTally(),
    killPoints: createTally(),
    crashes: createTally(),
  };
  const database = createSqliteStore({ path: ':memory:', nowEpochMs: scheduler.nowEpochMs });
  await database.catalog.migrate();
  const drawn = drawPlan(random.fork('plan'), seed, killPointsOf(database.catalog));
  const plan = bias?.(drawn) ?? drawn;
  const faults = createFaults(
    { scheduler, random: random.fork('faults'), tally: tallies.faults },
    plan.windows,
  );
  const idleLimitMs = plan.idleLimitSeconds * 1000;
  const history = createHistory({ scheduler, catalog: database.catalog, idleLimitMs });
  const s3 = openStore({ scheduler, random: random.fork('store'), faults, history, plan });
  const foreign = await bringOthers(s3, database.catalog);
  const world: World = {
    scheduler,
    random: random.fork('world'),
    plan,
    faults,
    history,
    s3,
    database,
    tallies,
  };
  const unhandled = (error: unknown): void => history.violate(`nobody has handled ${String(error)}`);
  process.on('unhandledRejection', unhandled);
  try {
    const clients = await live(world, mutation);
    await checkOutcome({ history, catalog: database.catalog, s3, clients, foreign });
  } catch (error) {
    if (!(error instanceof SchedulerError)) throw error;
    history.violate(error.message);
  } finally {
    process.off('unhandledRejection', unhandled);
    await database.catalog.close();
  }
  return {
    seed,
    violations: history.violations,
    faults: tallies.faults.hits,
    branches: tallies.branches.hits,
    killPoints: tallies.killPoints.hits,
    actorCount: plan.clients.length + plan.replicaCount,
    faultCount: tallies.faults.total,
    crashCount: tallies.crashes.total,
    hash: scheduler.trace.hash(),
    trace: scheduler.trace.lines,
    eventCount: scheduler.trace.eventCount,
  };
}

interface World {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly plan: Plan;
  readonly faults: Faults;
  readonly history: History;
  readonly s3: SimulatedS3;
  readonly database: ReturnType<typeof createSqliteStore>;
  readonly tallies: Readonly<
    Record<'faults' | 'branches' | 'killPoints' | 'crashes', ReturnType<typeof createTally>>
  >;
}

const QUIRK_FAULTS: Partial<Record<keyof StoreQuirks, FaultName>> = {
  dropsMetadata: 'metadata dropped at create',
  saltsEtags: 'ETag of equal bytes changed',
  keepsLateParts: 'part landed after an abort',
};

function openStore({
  scheduler,
  random,
  faults,
  history,
  plan,
}: Pick<World, 'scheduler' | 'random' | 'faults' | 'history' | 'plan'>): SimulatedS3 {
  const traits = STORE_TRAITS[plan.traits];
  return createSimulatedS3({
    traits,
    versioned: plan.versioned && traits.versioning,
    // Without a precondition a repeated PUT writes the same bytes again: under another ETag it would be another object.
    quirks: { ...plan.quirks, saltsEtags: plan.quirks.saltsEtags === true && traits.putIfNoneMatch },
    nowEpochMs: scheduler.nowEpochMs,
    randomUuid: random.uuid,
    onObject: (key) => history.stored(idIn(key)),
    onPart: (key) => history.active(idIn(key)),
    onQuirk(quirk) {
      const fault = QUIRK_FAULTS[quirk];
      if (fault) faults.struck(fault);
    },
    losesPart(key) {
      // A store that compares sizes would have said so.
      if (traits.verifiesObjectSize || !faults.strikes('a part of the object lost by the store'))
        return false;
      history.doom(idIn(key));
      return true;
    },
  });
}

/** What another program, and another installation of this one, keep in the same bucket. */
async function bringOthers(s3: SimulatedS3, catalog: Catalog): Promise<Foreign> {
  const { installationId } = await catalog.installation();
  const object = { contentType: FOREIGN_TYPE, metadata: {} };
  const folders = ['connectors/default', `longhaul/${installationId.replace(/^./, 'x')}/default`, 'longhaul'];
  const uploads = folders.map((folder, index) => {
    const key = `${folder}/00000000-0000-4000-8000-00000000000${index}`;
    return { key, s3UploadId: s3.createUpload({ key, ...object }), partCount: 0 };
  });
  const objects = folders.map((folder) => `${folder}/report.txt`);
  for (const key of objects)
    s3.putObject({ key, ...object }, [{ kind: 'bytes', bytes: Buffer.from(key) }], false);
  return { objects, uploads };
}

/** Everything that happens: trouble, then peace, then time. */
async function live(world: World, mutation: Mutation | undefined): Promise<readonly Client[]> {
  const { scheduler, plan, faults, random } = world;
  const state = createSimulatedState({ nowEpochMs: scheduler.nowEpochMs, ttlSeconds: 24 * 3600 });
  const replicas = startReplicas(world, state.store, mutation);
  const clients = startClients(world, replicas);
  scheduleTrouble(world, state, replicas);

  await scheduler.run(() => scheduler.nowMs() >= plan.healsAtMs);
  faults.heal();
  state.setTrouble('none');
  scheduler.note('nothing goes wrong any more');
  for (const client of clients) endPatience(world, client);
  await scheduler.run(() => clients.every((client) => client.isOver));
  for (const replica of replicas) replica.stopLoops();
  await letTimePass(world, replicas, random);
  return clients;
}

/** Closes a client that has waited for too long. */
function endPatience({ scheduler, plan }: Pick<World, 'scheduler' | 'plan'>, client: Client): void {
  scheduler.after(plan.patienceMs, () => {
    if (client.isOver) return;
    const isLate = scheduler.nowMs() - client.startedAtMs >= SENDING_MS;
    if (isLate || client.isCompleting) client.giveUp();
    else endPatience({ scheduler, plan }, client);
  });
}

function startReplicas(world: World, state: StateStore, mutation: Mutation | undefined): readonly Replica[] {
  const { scheduler, faults, history, s3, plan, database, tallies } = world;
  const wire = createWire({ scheduler, random: world.random.fork('wire') });
  const observer = createObserver(tallies.branches);
  const killer = createKiller(world);
  const direct = createSimulatedObjectStore(s3, scheduler.nowEpochMs);
  const real: Mutated = {
    catalog: database.catalog,
    state,
    objectStore: direct,
    ofProcess: (catalog) => catalog,
    storeOfProcess: (objectStore) => objectStore,
  };
  const ports = { ...real, ...mutation?.mutate({ ...real, s3, nowEpochMs: scheduler.nowEpochMs }) };
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
        sink: {
          name: 'everybody',
          publish: async (event) => history.told(event),
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
          if (service !== 'catalog') return;
          history.catalog(call);
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

function startClients(world: World, replicas: readonly Replica[]): readonly Client[] {
  const { scheduler, faults, s3, plan, tallies } = world;
  const servers = (): readonly Server[] => replicas.flatMap(({ server }) => server ?? []);
  const coordinators = {
    scheduler,
    random: world.random.fork('coordinators'),
    faults,
    servers,
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
        onSleep: () => faults.struck('machine of a client slept'),
      },
      client,
    ),
  );
}

function scheduleTrouble(
  world: World,
  state: ReturnType<typeof createSimulatedState>,
  replicas: readonly Replica[],
): void {
  const { scheduler, random, plan, faults, history, s3 } = world;
  const strokes: Partial<Record<FaultName, () => void | Promise<void>>> = {
    'state flushed'() {
      state.flush();
      history.stateLost();
    },
    'state lost its last writes'() {
      state.loseLast(20_000);
      history.stateLost();
    },
    async 'object of somebody else at the key'() {
      const victim = (await openUploads(world)).find(({ mode }) => mode !== 'inline');
      if (!victim || s3.head(victim.s3Key)) return;
      const object = { key: victim.s3Key, contentType: FOREIGN_TYPE, metadata: {} };
      const sizeBytes = boundsOf(victim.plan).endBytes;
      const content = [{ kind: 'stretch', contentId: 'foreign', offsetBytes: 0, sizeBytes } as const];
      const { etag, versionId } = s3.putObject(object, content, false);
      // Whoever put it there takes it away again.
      scheduler.after(plan.healsAtMs - scheduler.nowMs(), () => {
        if (versionId !== undefined || s3.head(object.key)?.etag === etag) s3.delete(object.key, versionId);
      });
    },
    'upload ended by the bucket'() {
      const ours = s3
        .openUploads()
        .filter(({ key, isBuilding }) => history.uploadIds.has(idIn(key)) && !isBuilding);
      const victim = ours.length > 0 ? random.pick(ours) : undefined;
      if (!victim) return;
      history.doom(idIn(victim.key));
      s3.abort(victim);
    },
  };
  for (const { atMs, name } of plan.strokes) {
    scheduler.after(atMs, () => {
      faults.struck(name);
      void strokes[name]?.();
    });
  }
  for (const { name, fromMs, untilMs } of plan.windows) {
    if (name !== 'state read-only' && name !== 'state full') continue;
    scheduler.after(fromMs, () => {
      faults.struck(name);
      state.setTrouble(name === 'state full' ? 'full' : 'read-only');
    });
    scheduler.after(untilMs, () => state.setTrouble('none'));
  }
  for (const atMs of plan.killsAtMs) scheduler.after(atMs, () => random.pick(replicas).kill());
  for (const atMs of plan.operatesAtMs) {
    scheduler.after(atMs, () => {
      void random.pick(replicas).reconcile();
      void random.pick(replicas).replayParked();
    });
  }
}

/** Pauses between looking after what is left: short ones at first, and then for days. */
const PAUSES_MS: readonly number[] = [
  ...Array.from({ length: 3 }, () => MINUTE_MS),
  ...Array.from({ length: 5 }, () => 20 * MINUTE_MS),
  ...Array.from({ length: 40 }, () => HOUR_MS),
];
/** Longer than any work at the store and than its garbage waits to be collected; and than what no row knows is left alone. */
const LAST_PAUSES_MS: readonly number[] = [3 * HOUR_MS, 8 * 24 * HOUR_MS];

/** Grants expire, idle uploads end, stores collect their garbage, until nothing is due any more. */
async function letTimePass(world: World, replicas: readonly Replica[], random: Random): Promise<void> {
  const { scheduler, plan } = world;
  let isOver = false;
  const work = async (): Promise<void> => {
    for (const pauseMs of PAUSES_MS) {
      await scheduler.sleep(pauseMs);
      await random.pick(replicas).lookAfterAll();
      if (await isQuiet(world)) break;
      if (plan.hasOperator && random.chance(0.1)) await random.pick(replicas).reconcile();
      await random.pick(replicas).replayParked();
    }
    for (const pauseMs of LAST_PAUSES_MS) {
      await scheduler.sleep(pauseMs);
      if (plan.hasOperator) await random.pick(replicas).reconcile();
      await random.pick(replicas).lookAfterAll();
      await random.pick(replicas).tidyUp();
    }
    isOver = true;
  };
  void work();
  await scheduler.run(() => isOver);
}

/** Uploads that clients still send to. */
async function openUploads({ history, database: { catalog } }: World): Promise<readonly UploadRecord[]> {
  const rows = await Promise.all([...history.uploadIds].map((uploadId) => catalog.find(uploadId)));
  return rows.flatMap((row) => (row?.state === 'UPLOADING' ? row : []));
}

async function isQuiet({ history, database: { catalog } }: World): Promise<boolean> {
  const { unsentCount } = await catalog.outbox.status();
  if (unsentCount > 0) return false;
  for (const uploadId of history.uploadIds) {
    const row = await catalog.find(uploadId);
    const isOpen = !row || ['PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING'].includes(row.state);
    if (isOpen || row.nextAttemptAtEpochMs !== undefined) return false;
  }
  return true;
}
