/** Redis Cluster of three masters without replicas. */
import { firstDeath, type Daemon } from './daemon.ts';
import { startContainer } from './docker.ts';
import { CLUSTER_BUS_OFFSET, findFreePort } from './free-port.ts';
import { askRedis, findRedis, REDIS_IMAGE, REDIS_PACKAGES, redisArgs } from './redis-server.ts';
import type { Place } from './place.ts';
import { readVariable, type Env, type Launch, type Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const NODES_VARIABLE = 'LONGHAUL_TEST_REDIS_CLUSTER';
const NODE_COUNT = 3;
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
const SLOT_COUNT = 16_384;

/** Three Redis nodes that share the slots. */
export const redisCluster: Service = {
  name: 'redis-cluster',
  variables: [NODES_VARIABLE],
  aptPackages: REDIS_PACKAGES,
  find: () => findRedis(launchProgram),
  docker: { kind: 'image', image: REDIS_IMAGE, launch: launchContainer },
  probe,
};

/** Every node must call the cluster whole: they learn it at different times. */
async function probe(env: Env): Promise<void> {
  for (const node of readVariable(env, NODES_VARIABLE).split(',')) {
    const info = await askRedis(`redis://${node}`, (client) => client.cluster('INFO'));
    if (!info.includes('cluster_state:ok')) throw new Error(`${node} says ${info.split('\r\n')[0]}`);
    if (!info.includes(`cluster_slots_ok:${SLOT_COUNT}`)) throw new Error(`${node} misses slots`);
  }
}

function launchProgram(program: string): Launch {
  return async (place) => {
    const ports = await findPorts();
    const nodes = await Promise.all(ports.map((port, index) => startNode(place, program, port, index)));
    await formCluster(place, ports, firstDeath(nodes));
    return envOf(ports);
  };
}

async function startNode(place: Place, program: string, port: number, index: number): Promise<Daemon> {
  const name = `redis-cluster-${index + 1}`;
  const folder = await place.makeFolder(name);
  const args = [...nodeArgs(port, '127.0.0.1'), '--dir', folder];
  return place.startDaemon(name, { command: program, args });
}

// All three in one container, so that they reach each other at the same 127.0.0.1 as the tests do.
async function launchContainer(place: Place): ReturnType<Launch> {
  const ports = await findPorts();
  const commands = ports.map(
    (port) => `redis-server ${nodeArgs(port, '0.0.0.0').map(quote).join(' ')} --dir "$(mktemp -d)"`,
  );
  const { died } = await startContainer(place, {
    image: REDIS_IMAGE,
    entrypoint: 'sh',
    args: ['-c', `${commands.join(' & ')} & wait`],
    ports: new Map(ports.map((port) => [port, port])),
  });
  await formCluster(place, ports, died);
  return envOf(ports);
}

function quote(word: string): string {
  return `'${word}'`;
}

function findPorts(): Promise<number[]> {
  return Promise.all(Array.from({ length: NODE_COUNT }, () => findFreePort([CLUSTER_BUS_OFFSET])));
}

function nodeArgs(port: number, address: string): string[] {
  const settings = {
    'protected-mode': 'no',
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': '2000',
    'cluster-announce-ip': '127.0.0.1',
  };
  return [
    ...redisArgs(port, address),
    ...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]),
  ];
}

function envOf(ports: readonly number[]): Record<string, string> {
  return { [NODES_VARIABLE]: ports.map((port) => `127.0.0.1:${port}`).join(',') };
}

/** Deals the slots, introduces the nodes to each other and waits until all agree. */
async function formCluster(place: Place, ports: readonly number[], died: Promise<never>): Promise<void> {
  const waiting = { what: 'redis-cluster', signal: place.signal, unless: died };
  await waitUntil(async () => {
    for (const port of ports) await askRedis(urlOf(port), (client) => client.ping());
  }, waiting);
  for (const [index, port] of ports.entries()) await dealSlots(port, index, ports[0] ?? port);
  await waitUntil(() => probe(envOf(ports)), waiting);
}

async function dealSlots(port: number, index: number, firstPort: number): Promise<void> {
  const first = Math.floor((index * SLOT_COUNT) / NODE_COUNT);
  const end = Math.floor(((index + 1) * SLOT_COUNT) / NODE_COUNT);
  await askRedis(urlOf(port), async (client) => {
    await client.cluster('SET-CONFIG-EPOCH', index + 1);
    await client.cluster('ADDSLOTS', ...Array.from({ length: end - first }, (_, slot) => first + slot));
    if (port !== firstPort) await client.cluster('MEET', '127.0.0.1', firstPort);
  });
}

function urlOf(port: number): string {
  return `redis://127.0.0.1:${port}`;
}
