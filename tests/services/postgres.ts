/** Postgres with an empty database, durability switched off: the data does not outlive the run. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import connect from 'postgres';
import { findProgram, runOrThrow } from './command.ts';
import type { Daemon } from './daemon.ts';
import { startContainer } from './docker.ts';
import { findFreePort } from './free-port.ts';
import type { Place } from './place.ts';
import { findPlainAccount } from './run-folders.ts';
import {
  type Candidate,
  type Env,
  type Launch,
  type OwnServer,
  readVariable,
  type Service,
} from './service.ts';
import { waitUntil } from './wait-until.ts';

const URL_VARIABLE = 'LONGHAUL_TEST_POSTGRES_URL';
const IMAGE = 'postgres:17';
// Debian keeps the server's programs out of PATH, a folder for each major version.
const DEBIAN_FOLDER = '/usr/lib/postgresql';
const SETTINGS = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_connections=200',
].flatMap((setting) => ['-c', setting]);

/** One Postgres server, trust authentication for user postgres. */
export const postgres: Service = {
  name: 'postgres',
  variables: [URL_VARIABLE],
  aptPackages: ['postgresql'],
  find,
  docker: { kind: 'image', image: IMAGE, launch: launchContainer },
  probe,
};

async function find(): Promise<Candidate> {
  const programs = await findPrograms();
  if (programs === undefined) return { kind: 'missing', reason: NO_PROGRAMS };
  const banner = await runOrThrow(programs.server, ['--version']);
  const version = /\d[\d.]*/.exec(banner)?.[0] ?? banner.trim();
  return { kind: 'found', version, launch: launchPrograms(programs) };
}

interface Programs {
  readonly server: string;
  readonly initdb: string;
}

const NO_PROGRAMS = `postgres and initdb are neither on PATH nor in ${DEBIAN_FOLDER}`;

async function findPrograms(): Promise<Programs | undefined> {
  const folders = await listDebianFolders();
  const [server, initdb] = await Promise.all([
    findProgram(['postgres'], folders),
    findProgram(['initdb'], folders),
  ]);
  return server === undefined || initdb === undefined ? undefined : { server, initdb };
}

async function listDebianFolders(): Promise<string[]> {
  const versions = await readdir(DEBIAN_FOLDER).catch(() => []);
  return versions.toSorted((a, b) => Number(b) - Number(a)).map((each) => join(DEBIAN_FOLDER, each, 'bin'));
}

async function probe(env: Env): Promise<void> {
  const sql = connect(readVariable(env, URL_VARIABLE), {
    max: 1,
    connect_timeout: 3,
    onnotice: () => undefined,
  });
  try {
    const rows = await sql`select 1 as one`;
    if (rows[0]?.['one'] !== 1) throw new Error('select 1 was answered with something else');
  } finally {
    await sql.end({ timeout: 1 });
  }
}

/** Makes a Postgres that is not running yet. Rejects when its programs are not on this machine. */
export async function makePostgres(place: Place): Promise<OwnServer> {
  const programs = await findPrograms();
  if (programs === undefined) throw new Error(NO_PROGRAMS);
  return await prepare(place, programs);
}

async function prepare(place: Place, { server, initdb }: Programs): Promise<OwnServer> {
  const account = await findPlainAccount();
  const folder = await place.makeFolder('postgres', account);
  const data = join(folder, 'data');
  const standing = { account, cwd: folder };
  const initArgs = ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C'];
  await place.runTool(initdb, initArgs, standing);
  const port = await findFreePort();
  const env = envOf(port);
  let daemon: Daemon | undefined;
  return {
    address: readVariable(env, URL_VARIABLE),
    start: async () => {
      daemon = await place.startDaemon('postgres', {
        command: server,
        args: ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', '', ...SETTINGS],
        ...standing,
        // SIGTERM would wait for clients to leave by themselves.
        stopSignal: 'SIGINT',
      });
      await waitUntil(() => probe(env), { what: 'postgres', signal: place.signal, unless: daemon.died });
    },
    stop: async () => {
      await daemon?.stop();
    },
  };
}

function launchPrograms(programs: Programs): Launch {
  return async (place) => {
    const server = await prepare(place, programs);
    await server.start();
    return { [URL_VARIABLE]: server.address };
  };
}

async function launchContainer(place: Place): ReturnType<Launch> {
  const port = await findFreePort();
  const { died } = await startContainer(place, {
    image: IMAGE,
    args: SETTINGS,
    env: { POSTGRES_HOST_AUTH_METHOD: 'trust' },
    ports: new Map([[port, 5432]]),
  });
  const env = envOf(port);
  await waitUntil(() => probe(env), { what: 'postgres', signal: place.signal, unless: died });
  return env;
}

function envOf(port: number): Record<string, string> {
  return { [URL_VARIABLE]: `postgres://postgres@127.0.0.1:${port}/postgres` };
}
