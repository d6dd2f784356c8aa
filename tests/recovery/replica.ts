/**
 * One replica of a coordinator, as a process of its own on real servers, which kills itself where it is told to.
 *
 * Its environment: LONGHAUL_TEST_ADDRESSES (JSON), LONGHAUL_TEST_KILL_AT (a point such as `catalog.insert after`) with
 * LONGHAUL_TEST_KILL_HIT (which time), LONGHAUL_TEST_LOSE (a call to the store whose first answer gets lost),
 * LONGHAUL_TEST_CLOCK_AHEAD_MS.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { flushCompileCache } from 'node:module';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAdaptorServer } from '@hono/node-server';
import {
  type BackgroundWork,
  type CoordinatorOptions,
  createCoordinator,
  reconcile,
  startBackgroundWork,
} from '@longhaul/coordinator';
import { createKillWatch } from './support/kill-points.ts';
import { watchPorts } from './support/port-calls.ts';
import { type Addresses, openPorts } from './support/ports.ts';
import { type LosableCall, loseFirstAnswer, pressTime } from './support/pressed-time.ts';
import type { ReplicaAnswer, ReplicaCommand } from './support/replica-process.ts';

const {
  LONGHAUL_TEST_ADDRESSES,
  LONGHAUL_TEST_KILL_AT,
  LONGHAUL_TEST_KILL_HIT,
  LONGHAUL_TEST_LOSE,
  LONGHAUL_TEST_CLOCK_AHEAD_MS = '0',
} = process.env;

const watch = createKillWatch(
  LONGHAUL_TEST_KILL_AT === undefined
    ? undefined
    : { point: LONGHAUL_TEST_KILL_AT, hit: Number(LONGHAUL_TEST_KILL_HIT ?? 1) },
);
const ports = watchPorts(
  loseFirstAnswer(
    pressTime(openPorts(JSON.parse(LONGHAUL_TEST_ADDRESSES ?? '') as Addresses)),
    LONGHAUL_TEST_LOSE as LosableCall | undefined,
  ),
  watch,
);
const options: CoordinatorOptions = {
  catalog: ports.catalog,
  state: ports.state,
  objectStore: ports.objectStore,
  sinks: [ports.sink],
  keyVault: ports.keyVault,
  tokenKeys: ['a key for tests that is long enough'],
  keyTemplate: '{installationId}/{connectorId}/{nodeId}',
  grantExpiresInSeconds: 4,
  singlePutGraceSeconds: 0,
  completionRedriveAfterSeconds: 1,
  idleLimitSeconds: 60,
  pendingLimitSeconds: 60,
  goneAfterSeconds: 60,
  attemptOverAfterSeconds: 600,
  clock: {
    nowEpochMs: () => Date.now() + Number(LONGHAUL_TEST_CLOCK_AHEAD_MS),
    randomUuid: () => randomUUID(),
    sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
  },
  onError: (error) => console.error(error),
};

let server: Server | undefined;
let work: BackgroundWork | undefined;

const COMMANDS: Readonly<Record<ReplicaCommand, () => Promise<unknown>>> = {
  async serve() {
    await ports.catalog.migrate();
    server = createAdaptorServer({ fetch: createCoordinator(options).fetch }) as Server;
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  async work() {
    work ??= startBackgroundWork(options, { sweepEveryMs: 200, relayEveryMs: 100, tidyEveryMs: 1_000 });
  },
  async rest() {
    await work?.stop();
    work = undefined;
  },
  reconcile: () => reconcile(options, { abort: true }),
  async stop() {
    await work?.stop();
    server?.close();
    server?.closeAllConnections();
    await ports.sink.close();
    ports.objectStore.close();
    await ports.state.close();
    await ports.catalog.close();
    return Object.fromEntries(watch.hits);
  },
};

process.on('message', (message) => {
  const { id, command } = message as { id: number; command: ReplicaCommand };
  const answer = (result: Omit<ReplicaAnswer, 'id'>): void => void process.send?.({ id, ...result });
  COMMANDS[command]().then(
    (value) => answer({ value }),
    (error: unknown) =>
      answer({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
// Whoever started this process is gone.
process.on('disconnect', () => process.exit());
// Whoever comes after reads the same sources, and this one may be killed before it would write down what it has compiled.
flushCompileCache();
