/** Apache Kafka: one broker that is its own controller (KRaft), from the jars on Maven Central. */
import { access, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { findProgram, runCommand, runOrThrow } from './command.ts';
import type { Daemon } from './daemon.ts';
import { startContainer } from './docker.ts';
import { findFreePort } from './free-port.ts';
import type { Place } from './place.ts';
import { SERVICES_FOLDER } from './run-folders.ts';
import { readVariable, type Candidate, type Launch, type Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const BROKERS_VARIABLE = 'LONGHAUL_TEST_KAFKA_BROKERS';
const VERSION = '4.2.0';
const IMAGE = `apache/kafka:${VERSION}`;
const NEEDED_JAVA = 17;
const POM = join(import.meta.dirname, 'kafka', 'pom.xml');
const BUILD_FOLDER = join(SERVICES_FOLDER, 'bin', `kafka-${VERSION}`);
const BUILD_LIMIT_MS = 8 * 60_000;
const CLUSTER_ID = 'bG9uZ2hhdWwtdGVzdHMtMQ';
// Small and quick to start: the broker serves a few hundred messages, not a day of them.
const JAVA_FLAGS = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

/** One Kafka broker; topics are made when they are first used. */
export const kafka: Service = {
  name: 'kafka',
  variables: [BROKERS_VARIABLE],
  aptPackages: ['default-jre-headless', 'maven'],
  find,
  build,
  docker: { kind: 'image', image: IMAGE, launch: launchContainer },
  probe: async (env) => probe(readVariable(env, BROKERS_VARIABLE)),
};

/** A broker of a test's own, which it may stop and start again with what it has stored. */
export interface Broker {
  /** `HOST:PORT`, the same after a restart. */
  readonly address: string;
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Makes a broker that is not running yet. Rejects with the reason when there is no Kafka on this machine. */
export async function makeBroker(place: Place): Promise<Broker> {
  if ((await find()).kind === 'missing') await build(place.signal);
  const found = await findJava();
  if (typeof found === 'string') throw new Error(found);
  const { java } = found;
  const port = await findFreePort();
  const configFile = await configure(place, java, port);
  const address = `127.0.0.1:${port}`;
  let daemon: Daemon | undefined;
  return {
    address,
    start: async () => {
      daemon = await startBroker(place, java, configFile);
      await waitForBroker(place, address, daemon);
    },
    stop: async () => {
      await daemon?.stop();
    },
  };
}

async function find(): Promise<Candidate> {
  const found = await findJava();
  if (typeof found === 'string') return { kind: 'missing', reason: found };
  if (await exists(BUILD_FOLDER)) return { kind: 'found', version: VERSION, launch: launchBroker };
  const reason = 'the jars of Kafka are not here';
  const hasMaven = (await findProgram(['mvn'])) !== undefined;
  return { kind: 'missing', reason, ...(hasMaven && { aptPackages: [] }) };
}

/** The path of a Java that runs this Kafka, or why there is none. */
async function findJava(): Promise<{ readonly java: string } | string> {
  const java = await findProgram(['java']);
  if (java === undefined) return 'there is no java on PATH';
  const { stdout, stderr } = await runCommand(java, ['-version']);
  const major = Number(/version "(\d+)/.exec(stdout + stderr)?.[1]);
  return major >= NEEDED_JAVA ? { java } : `Kafka ${VERSION} needs Java ${NEEDED_JAVA}, and this is ${major}`;
}

async function build(signal: AbortSignal): Promise<void> {
  // Beside the final name, so that a download cut in the middle is never taken for the whole.
  const folder = `${BUILD_FOLDER}.${process.pid}`;
  const settings = [`kafka.version=${VERSION}`, 'includeScope=runtime', `outputDirectory=${folder}`];
  const args = ['--batch-mode', '--quiet', '--file', POM, ...settings.map((setting) => `-D${setting}`)];
  try {
    await runOrThrow('mvn', [...args, 'dependency:copy-dependencies'], { timeoutMs: BUILD_LIMIT_MS, signal });
    await rename(folder, BUILD_FOLDER).catch(async (error: unknown) => {
      if (!(await exists(BUILD_FOLDER))) throw error;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function launchBroker(place: Place): ReturnType<Launch> {
  const broker = await makeBroker(place);
  await broker.start();
  return { [BROKERS_VARIABLE]: broker.address };
}

/** Writes the configuration of a broker and formats its storage. */
async function configure(place: Place, java: string, port: number): Promise<string> {
  const folder = await place.makeFolder('kafka');
  const controllerPort = await findFreePort();
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    ...SETTINGS,
  };
  const file = join(folder, 'server.properties');
  await writeFile(
    file,
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  const format = ['kafka.tools.StorageTool', 'format', '--cluster-id', CLUSTER_ID, '--config', file];
  await place.runTool(java, ['-cp', `${BUILD_FOLDER}/*`, ...format]);
  return file;
}

/** What one broker alone needs, and what makes it answer soon. */
const SETTINGS = {
  'auto.create.topics.enable': true,
  'num.partitions': 3,
  'offsets.topic.num.partitions': 1,
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.num.partitions': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'controlled.shutdown.enable': false,
  // A broker that comes back waits until the controller has forgotten its former self: 9 s by default.
  'broker.session.timeout.ms': 1_000,
  'broker.heartbeat.interval.ms': 200,
  'log.cleaner.enable': false,
  'log.index.size.max.bytes': 1_048_576,
} as const;

function startBroker(place: Place, java: string, configFile: string): Promise<Daemon> {
  return place.startDaemon('kafka', {
    command: java,
    args: [
      ...JAVA_FLAGS,
      '-Dorg.apache.logging.log4j.level=WARN',
      '-cp',
      `${BUILD_FOLDER}/*`,
      'kafka.Kafka',
      configFile,
    ],
  });
}

async function launchContainer(place: Place): ReturnType<Launch> {
  const port = await findFreePort();
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': '1@127.0.0.1:9093',
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    ...SETTINGS,
  };
  const daemon = await startContainer(place, {
    image: IMAGE,
    env: Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [
        `KAFKA_${name.replaceAll('.', '_').toUpperCase()}`,
        String(value),
      ]),
    ),
    ports: new Map([[port, 9092]]),
  });
  const address = `127.0.0.1:${port}`;
  await waitForBroker(place, address, daemon);
  return { [BROKERS_VARIABLE]: address };
}

async function waitForBroker(place: Place, address: string, { died }: Daemon): Promise<void> {
  await waitUntil(() => probe(address), { what: 'kafka', signal: place.signal, unless: died });
}

async function probe(brokers: string): Promise<void> {
  const admin = new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0) throw new Error('a cluster without brokers answered');
  } finally {
    await admin.disconnect();
  }
}
