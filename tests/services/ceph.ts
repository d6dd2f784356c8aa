/**
 * Ceph's S3 gateway over the smallest cluster there is: one monitor, one storage daemon, no cephx. Objects are in memory;
 * for gigabytes of them set LONGHAUL_TEST_CEPH_STORE=bluestore, which keeps them on disk.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cephConfiguration } from './ceph-configuration.ts';
import { loopbackCertificate, trustVariables } from './certificate.ts';
import { findProgram, runOrThrow } from './command.ts';
import { firstDeath, type Daemon } from './daemon.ts';
import { findFreePort } from './free-port.ts';
import type { Place } from './place.ts';
import { makeS3Access, probeS3, s3Env, s3Variables, type S3Access } from './s3-probe.ts';
import type { Candidate, Launch, Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const SERVER = 'CEPH';
/** Where the tests find ceph.conf, to give orders to the cluster. Not there when the gateway's address was given. */
const CONFIGURATION_VARIABLE = 'LONGHAUL_TEST_CEPH_CONFIG';
/** The same gateway over TLS. */
const TLS_VARIABLE = 'LONGHAUL_TEST_CEPH_TLS_URL';
/** Names the key that SSE-KMS asks for. */
const KMS_KEY_VARIABLE = 'LONGHAUL_TEST_CEPH_KMS_KEY_ID';
const KMS_KEY = 'longhaul-test';
const PROGRAMS = ['ceph', 'ceph-mon', 'ceph-osd', 'monmaptool', 'radosgw', 'radosgw-admin'] as const;

/** Ceph radosgw, over http and over TLS. */
export const ceph: Service = {
  name: 'ceph',
  variables: s3Variables(SERVER),
  aptPackages: ['ceph-mon', 'ceph-osd', 'radosgw'],
  find,
  docker: { kind: 'none', reason: 'no Ceph image starts a gateway without a cluster of its own' },
  probe: (env) => probeS3(SERVER, env),
};

async function find(): Promise<Candidate> {
  const found = await Promise.all(PROGRAMS.map((program) => findProgram([program])));
  const absent = PROGRAMS.filter((_, index) => found[index] === undefined);
  if (absent.length > 0) return { kind: 'missing', reason: `${absent.join(', ')} not on PATH` };
  const banner = await runOrThrow('radosgw', ['--version']);
  const version = /version (\S+)/.exec(banner)?.[1] ?? banner.trim();
  return { kind: 'found', version, launch };
}

/** A cluster in the making. */
interface Cluster {
  readonly place: Place;
  readonly folder: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly tlsPort: number;
  readonly access: S3Access;
  /** Path of ceph.conf. */
  readonly file: string;
  /** `-c ceph.conf`, the first arguments of every program. */
  readonly configuration: readonly string[];
}

async function launch(place: Place): ReturnType<Launch> {
  const cluster = await layOut(place);
  const env = {
    ...s3Env(SERVER, cluster.access),
    [TLS_VARIABLE]: `https://127.0.0.1:${cluster.tlsPort}`,
    [KMS_KEY_VARIABLE]: KMS_KEY,
    ...trustVariables(await loopbackCertificate()),
  };
  const monitor = await startMonitor(cluster);
  const storage = await startStorage(cluster, monitor);
  const gateway = await startCephDaemon(cluster, 'radosgw', ['-n', 'client.rgw']);
  const unless = firstDeath([monitor, storage, gateway]);
  await Promise.race([createUser(cluster), unless]);
  const wait = { what: 'radosgw', signal: place.signal, unless };
  await waitUntil(() => probeS3(SERVER, env), wait);
  await waitUntil(() => probeS3(SERVER, env, TLS_VARIABLE), wait);
  return { ...env, [CONFIGURATION_VARIABLE]: cluster.file };
}

async function layOut(place: Place): Promise<Cluster> {
  const folder = await place.makeFolder('ceph');
  const monitorPort = await findFreePort();
  const gatewayPort = await findFreePort();
  const tlsPort = await findFreePort();
  const fsid = randomUUID();
  for (const each of ['mon', 'osd', 'rgw', 'crash']) await mkdir(join(folder, each));
  const file = join(folder, 'ceph.conf');
  const logFile = (daemon: string): string => place.logFile(`ceph-${daemon}`);
  const configuration = cephConfiguration({
    folder,
    fsid,
    monitorPort,
    gatewayPort,
    tls: { port: tlsPort, ...(await loopbackCertificate()) },
    objectStore: process.env['LONGHAUL_TEST_CEPH_STORE'] === 'bluestore' ? 'bluestore' : 'memstore',
    kmsKeys: { [KMS_KEY]: randomBytes(32).toString('base64') },
    logFile,
  });
  await writeFile(file, configuration);
  const access = makeS3Access(gatewayPort);
  return { place, folder, fsid, monitorPort, tlsPort, access, file, configuration: ['-c', file] };
}

async function startMonitor(cluster: Cluster): Promise<Daemon> {
  const { place, folder, fsid, monitorPort } = cluster;
  const map = join(folder, 'monmap');
  const address = `[v2:127.0.0.1:${monitorPort}]`;
  await place.runTool('monmaptool', ['--create', '--addv', 'a', address, '--fsid', fsid, map]);
  await runTool(cluster, 'ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map]);
  return startCephDaemon(cluster, 'ceph-mon', ['-i', 'a']);
}

async function startStorage(cluster: Cluster, monitor: Daemon): Promise<Daemon> {
  // `ceph` blocks until the monitor answers.
  const asked = runTool(cluster, 'ceph', ['--connect-timeout', '30', 'osd', 'create']);
  await Promise.race([asked, monitor.died]);
  await runTool(cluster, 'ceph-osd', ['-i', '0', '--mkfs']);
  await runTool(cluster, 'ceph', ['osd', 'crush', 'add', 'osd.0', '1.0', 'root=default', 'host=local']);
  const storage = await startCephDaemon(cluster, 'ceph-osd', ['-i', '0']);
  await waitUntil(() => probeStorage(cluster), {
    what: 'ceph-osd',
    signal: cluster.place.signal,
    unless: storage.died,
  });
  return storage;
}

async function probeStorage(cluster: Cluster): Promise<void> {
  const answer = await runTool(cluster, 'ceph', ['osd', 'stat', '-f', 'json']);
  if (!answer.includes('"num_up_osds":1')) throw new Error('the storage daemon is not up');
}

async function createUser(cluster: Cluster): Promise<void> {
  const { accessKeyId, secretAccessKey } = cluster.access;
  const who = ['--uid=longhaul', '--display-name=longhaul'];
  const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
  await runTool(cluster, 'radosgw-admin', ['user', 'create', ...who, ...keys]);
}

/** Runs one of Ceph's own tools against the cluster. */
function runTool(cluster: Cluster, tool: string, args: readonly string[]): Promise<string> {
  return cluster.place.runTool(tool, [...cluster.configuration, ...args]);
}

// In the foreground (-f): a daemon dies with its process group, and there is no pid file to chase.
function startCephDaemon(cluster: Cluster, program: string, args: readonly string[]): Promise<Daemon> {
  return cluster.place.startDaemon(`${program}-output`, {
    command: program,
    args: [...cluster.configuration, ...args, '-f'],
    cwd: cluster.folder,
  });
}
