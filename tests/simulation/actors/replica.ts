import {
  type Catalog,
  CatalogError,
  type Clock,
  type CoordinatorOptions,
  createCoordinator,
  type EventSink,
  EventSinkError,
  type ObjectStore,
  reconcile,
  relay,
  type StateStore,
  StateStoreError,
  sweep,
  tidy,
} from '@longhaul/coordinator';
import { type KeyVault, KeyVaultError } from '@longhaul/coordinator/key-vault';
import type { Faults } from '../engine/faults.ts';
import { createLife, type Life, never } from '../engine/life.ts';
import type { Random } from '../engine/random.ts';
import type { Scheduler } from '../engine/scheduler.ts';
import { type Caller, type ObservedCall, type Service, throughWire, type Wire } from '../engine/wire.ts';
import type { Server } from './coordinator-network.ts';

/** What stands behind a coordinator, and is watched. */
export type ObservedService = 'catalog' | 'outbox' | 'rotations' | 'state';

/** What the replicas of a coordinator share, and what they live in. */
export interface ReplicaWorld {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly wire: Wire;
  readonly catalog: Catalog;
  /** The catalog as the process uses it, behind the wire. */
  readonly catalogOfProcess: (catalog: Catalog) => Catalog;
  readonly state: StateStore;
  /** Where keys of customers wait; `undefined`: nowhere. */
  readonly keyVault: KeyVault | undefined;
  readonly sink: EventSink;
  /** The object store as this process sees it. */
  readonly storeFor: (caller: Caller) => ObjectStore;
  readonly settings: Partial<CoordinatorOptions>;
  /** Told of every call that had its effect. */
  readonly observe: (service: ObservedService, call: ObservedCall) => void;
  /** A process has come to a point; whether it is killed here. */
  readonly isKilledAt: (point: string) => boolean;
  readonly onCrash: () => void;
  readonly onError: (error: unknown) => void;
}

/** One replica: a process that is started again whenever it has died. */
export interface Replica {
  readonly name: string;
  /** The running process; `undefined` while it is down. */
  readonly server: Server | undefined;
  kill(): void;
  /** Sweeps and tells events once. Resolves when that has ended, or the process has. */
  lookAfterAll(): Promise<void>;
  tidyUp(): Promise<void>;
  /** What an operator does by hand: ends what is nobody's at the store. */
  reconcile(): Promise<void>;
  /** What an operator does by hand: has events told again that were refused for good. */
  replayParked(): Promise<void>;
  /** Its loops begin nothing new. */
  stopLoops(): void;
}

const TOKEN_KEYS = ['a token key for the simulation, long enough'];
const RESTART_MS = 8_000;
const SWEEP_EVERY_MS = 60_000;
const RELAY_EVERY_MS = 60_000;

/** Starts a replica. */
export function startReplica(world: ReplicaWorld, name: string): Replica {
  const { scheduler, random } = world;
  let server: (Server & { readonly options: CoordinatorOptions }) | undefined;
  let isLooping = true;

  const kill = (): void => {
    const dying = server;
    if (!dying) return;
    scheduler.note(`${name} is killed`);
    server = undefined;
    world.onCrash();
    dying.life.end();
    scheduler.after(random.delayMs(RESTART_MS), start);
  };
  const start = (): void => {
    const life = createLife();
    const caller: Caller = {
      name,
      life,
      reached(point) {
        if (world.isKilledAt(point)) kill();
      },
    };
    const options = optionsOf(world, caller);
    const app = createCoordinator(options);
    server = { life, options, fetch: (request) => app.fetch(request) };
    scheduler.note(`${name} is up`);
    void options.catalog.migrate().catch(world.onError);
    const loop = (everyMs: number, work: () => Promise<unknown>): void => {
      void repeat({ world, life, everyMs, isLooping: () => isLooping }, work);
    };
    loop(SWEEP_EVERY_MS, () => sweep(options));
    loop(RELAY_EVERY_MS, () => relay(options));
    loop(3_600_000, () => tidy(options));
    loop(300_000, async () => await app.fetch(new Request('http://localhost/readyz')));
  };
  const unlessDown = async (work: (options: CoordinatorOptions) => Promise<unknown>): Promise<void> => {
    const running = server;
    if (running) await orDeath(running.life, work(running.options)).catch(world.onError);
  };

  start();
  return {
    name,
    kill,
    get server() {
      return server;
    },
    lookAfterAll: () =>
      unlessDown(async (options) => {
        await sweep(options);
        await relay(options);
      }),
    tidyUp: () => unlessDown(tidy),
    reconcile: () => unlessDown((options) => reconcile(options, { abort: true })),
    replayParked: () =>
      unlessDown(async ({ catalog: { outbox } }) => {
        const { parkedCount } = await outbox.status();
        if (parkedCount > 0) await outbox.replay({ kind: 'parked' });
      }),
    stopLoops: () => void (isLooping = false),
  };
}

interface Loop {
  readonly world: ReplicaWorld;
  readonly life: Life;
  readonly everyMs: number;
  readonly isLooping: () => boolean;
}

async function repeat(
  { world, life, everyMs, isLooping }: Loop,
  work: () => Promise<unknown>,
): Promise<void> {
  for (;;) {
    await world.scheduler.sleep(world.random.delayMs(everyMs));
    if (life.isOver || !isLooping()) return;
    await work().catch(world.onError);
  }
}

/** Resolves with the work, or when the process dies over it. */
async function orDeath(life: Life, work: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    life.onEnd(resolve);
    work.then(() => resolve(), reject);
  });
}

function optionsOf(world: ReplicaWorld, caller: Caller): CoordinatorOptions {
  const { wire, catalog, state, keyVault, sink, settings } = world;
  const services = servicesOf(world);
  const through = <Port extends object>(port: Port, service: Service): Port =>
    throughWire(port, (method, values, effect) => wire.call(caller, { service, method, values, effect }));
  return {
    ...settings,
    objectStore: world.storeFor(caller),
    catalog: world.catalogOfProcess({
      ...through(catalog, services.catalog),
      outbox: through(catalog.outbox, services.outbox),
      rotations: through(catalog.rotations, services.rotations),
    }),
    ...(keyVault && { keyVault: through(keyVault, services.keyVault) }),
    state: through(state, services.state),
    sinks: [through(sink, services.sink)],
    tokenKeys: TOKEN_KEYS,
    authorize: (request) => request.headers.get('x-owner') ?? undefined,
    clock: clockOf(world, caller.life),
    onError: world.onError,
  };
}

function clockOf({ scheduler, random }: ReplicaWorld, life: Life): Clock {
  return {
    nowEpochMs: scheduler.nowEpochMs,
    randomUuid: random.uuid,
    async sleep(delayMs, signal) {
      await scheduler.sleep(delayMs, signal);
      if (life.isOver) await never();
    },
  };
}

function servicesOf({
  faults,
  observe,
}: ReplicaWorld): Record<ObservedService | 'keyVault' | 'sink', Service> {
  const database = (name: 'catalog' | 'outbox' | 'rotations'): Service => ({
    name,
    typicalMs: 4,
    observe: (call) => observe(name, call),
    trouble(method) {
      if (method === 'renew' && faults.strikes('lease not renewed'))
        return { kind: 'not done', error: new CatalogError('ETIMEDOUT') };
      if (faults.strikes('catalog down'))
        return { kind: 'not done', error: new CatalogError('ECONNREFUSED') };
      if (faults.strikes('catalog answer lost'))
        return { kind: 'done', error: new CatalogError('ECONNRESET') };
      return faults.strikes('catalog slow') ? { kind: 'slow' } : undefined;
    },
  });
  return {
    catalog: database('catalog'),
    outbox: database('outbox'),
    rotations: database('rotations'),
    keyVault: {
      name: 'keyVault',
      typicalMs: 4,
      trouble() {
        if (!faults.strikes('key vault down')) return undefined;
        return { kind: 'not done', error: new KeyVaultError('unreachable', 'ECONNREFUSED') };
      },
    },
    state: {
      name: 'state',
      typicalMs: 2,
      observe: (call) => observe('state', call),
      trouble() {
        if (faults.strikes('state down'))
          return { kind: 'not done', error: new StateStoreError('ECONNREFUSED') };
        if (faults.strikes('state answer lost'))
          return { kind: 'done', error: new StateStoreError('ECONNRESET') };
        return undefined;
      },
    },
    sink: {
      name: 'sink',
      typicalMs: 15,
      trouble() {
        const away = new EventSinkError('unavailable', 'ECONNREFUSED');
        if (faults.strikes('sink down')) return { kind: 'not done', error: away };
        if (faults.strikes('sink answer lost')) return { kind: 'done', error: away };
        if (!faults.strikes('sink rejects an event')) return undefined;
        return { kind: 'not done', error: new EventSinkError('rejected', 'too large') };
      },
    },
  };
}
