import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import type { Client } from './actors/client.ts';
import type { Rotator } from './actors/rotator.ts';
import { checkRotations } from './check-rotations.ts';
import { checkOutcome } from './check.ts';
import { drawPlan } from './draw-plan.ts';
import { createFaults } from './engine/faults.ts';
import { createRandom } from './engine/random.ts';
import { createScheduler, type Scheduler, SchedulerError } from './engine/scheduler.ts';
import { createTally } from './engine/tally.ts';
import { withVirtualGlobals } from './engine/virtual-globals.ts';
import { createHistory } from './history.ts';
import { killPointsOf } from './kill-points.ts';
import { letTimePass } from './let-time-pass.ts';
import type { Mutated, Mutation } from './mutation.ts';
import { bringOthers, openStore } from './open-store.ts';
import type { Plan } from './plan.ts';
import { scheduleTrouble } from './schedule-trouble.ts';
import { createRotationHistory } from './rotation-history.ts';
import { openPorts, startClients, startReplicas, startRotators } from './start-actors.ts';
import { createSimulatedKeyVault } from './store/simulated-key-vault.ts';
import { createSimulatedState } from './store/simulated-state.ts';
import type { World } from './world.ts';

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
  /** Clients, rotators and replicas. */
  readonly actorCount: number;
  readonly faultCount: number;
  readonly crashCount: number;
  /** The same for two runs of one seed. */
  readonly hash: string;
  readonly trace: readonly string[];
  readonly eventCount: number;
}

/** A client that sends may need so long on a slow line. */
const SENDING_MS = 3_600_000;

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
  const rotations = createRotationHistory({
    violate: history.violate,
    nowEpochMs: scheduler.nowEpochMs,
    s3: () => s3,
  });
  const s3 = openStore({ scheduler, random: random.fork('store'), faults, history, plan });
  const foreign = await bringOthers(s3, database.catalog);
  const world: World = {
    scheduler,
    random: random.fork('world'),
    plan,
    faults,
    history,
    rotations,
    keyVault: createSimulatedKeyVault(scheduler.nowEpochMs),
    s3,
    database,
    tallies,
  };
  const unhandled = (error: unknown): void => history.violate(`nobody has handled ${String(error)}`);
  process.on('unhandledRejection', unhandled);
  try {
    const state = createSimulatedState({ nowEpochMs: scheduler.nowEpochMs, ttlSeconds: 24 * 3600 });
    const ports = openPorts(world, state.store, mutation);
    const { clients, rotators } = await live(world, { state, ports, mutation });
    const { shown: catalog } = ports;
    await checkOutcome({ history, catalog, s3, clients, foreign });
    await checkRotations({ ...world, catalog, rotators });
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
    actorCount: plan.clients.length + plan.rotators.length + plan.replicaCount,
    faultCount: tallies.faults.total,
    crashCount: tallies.crashes.total,
    hash: scheduler.trace.hash(),
    trace: scheduler.trace.lines,
    eventCount: scheduler.trace.eventCount,
  };
}

/** Everything that happens: trouble, then peace, then time. */
async function live(
  world: World,
  {
    state,
    ports,
    mutation,
  }: {
    readonly state: ReturnType<typeof createSimulatedState>;
    readonly ports: Mutated;
    readonly mutation: Mutation | undefined;
  },
): Promise<{ readonly clients: readonly Client[]; readonly rotators: readonly Rotator[] }> {
  const { scheduler, plan, faults, random } = world;
  const replicas = startReplicas(world, ports);
  const clients = startClients(world, replicas, mutation);
  const rotators = startRotators(world, replicas);
  scheduleTrouble(world, state, replicas);

  await scheduler.run(() => scheduler.nowMs() >= plan.healsAtMs);
  faults.heal();
  state.setTrouble('none');
  scheduler.note('nothing goes wrong any more');
  for (const client of clients) endPatience(world, client);
  await scheduler.run(() => [...clients, ...rotators].every((actor) => actor.isOver));
  for (const replica of replicas) replica.stopLoops();
  await letTimePass(world, replicas, random);
  return { clients, rotators };
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
