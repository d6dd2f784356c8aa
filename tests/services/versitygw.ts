/** versitygw: an S3 server that enforces checksums and preconditions, on a folder of the disk. */
import { join } from 'node:path';
import { findProgram, runOrThrow } from './command.ts';
import { startContainer } from './docker.ts';
import { findFreePort } from './free-port.ts';
import { goInstall } from './go-install.ts';
import type { Place } from './place.ts';
import { SERVICES_FOLDER } from './run-folders.ts';
import { makeS3Access, probeS3, s3Env, s3Variables, type S3Access } from './s3-probe.ts';
import type { Candidate, Launch, Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const SERVER = 'VERSITYGW';
const VERSION = 'v1.7.0';
const IMAGE = `versity/versitygw:${VERSION}`;
const BUILD_FOLDER = join(SERVICES_FOLDER, 'bin', `versitygw-${VERSION}`);
// From the go.mod of this version; older compilers stop at it with a message about the language version.
const NEEDED_GO = { major: 1, minor: 25 } as const;

/** versitygw with its posix backend, versioning on. */
export const versitygw: Service = {
  name: 'versitygw',
  variables: s3Variables(SERVER),
  aptPackages: [],
  find,
  build,
  docker: { kind: 'image', image: IMAGE, launch: launchContainer },
  probe: (env) => probeS3(SERVER, env),
};

async function find(): Promise<Candidate> {
  const program = await findProgram(['versitygw'], [BUILD_FOLDER]);
  if (program === undefined) return { kind: 'missing', reason: 'versitygw is not on PATH' };
  // A binary of `go install` does not know its own version.
  const version = program.startsWith(BUILD_FOLDER) ? VERSION : await askVersion(program);
  return { kind: 'found', version, launch: launchProgram(program) };
}

async function askVersion(program: string): Promise<string> {
  const banner = await runOrThrow(program, ['--version']);
  return /:\s*(\S+)/.exec(banner)?.[1] ?? 'unknown';
}

async function build(signal: AbortSignal): Promise<void> {
  await goInstall(`github.com/versity/versitygw/cmd/versitygw@${VERSION}`, BUILD_FOLDER, {
    neededGo: NEEDED_GO,
    signal,
  });
}

function launchProgram(program: string): Launch {
  return async (place) => {
    const access = makeS3Access(await findFreePort());
    const objects = await place.makeFolder('versitygw-objects');
    const versions = await place.makeFolder('versitygw-versions');
    // Its default, extended attributes, fails with "no space left" at Complete: ext4 holds 4 KiB of them for a
    // file, and the list of some hundred parts is longer.
    const sidecar = await place.makeFolder('versitygw-sidecar');
    const { died } = await place.startDaemon('versitygw', {
      command: program,
      args: [
        '--port',
        `127.0.0.1:${access.port}`,
        '--keep-alive',
        'posix',
        '--versioning-dir',
        versions,
        '--sidecar',
        sidecar,
        objects,
      ],
      env: { ...process.env, ...rootOf(access) },
    });
    const env = s3Env(SERVER, access);
    await waitUntil(() => probeS3(SERVER, env), { what: 'versitygw', signal: place.signal, unless: died });
    return env;
  };
}

// No folder of the host: what the container's root writes there, we might not be allowed to remove.
async function launchContainer(place: Place): ReturnType<Launch> {
  const access = makeS3Access(await findFreePort());
  const flags = '--versioning-dir /data/versions --sidecar /data/sidecar';
  const { died } = await startContainer(place, {
    image: IMAGE,
    entrypoint: 'sh',
    args: [
      '-c',
      'mkdir -p /data/objects /data/versions /data/sidecar' +
        ` && exec versitygw --port :7070 --keep-alive posix ${flags} /data/objects`,
    ],
    env: rootOf(access),
    ports: new Map([[access.port, 7070]]),
  });
  const env = s3Env(SERVER, access);
  await waitUntil(() => probeS3(SERVER, env), { what: 'versitygw', signal: place.signal, unless: died });
  return env;
}

function rootOf({ accessKeyId, secretAccessKey }: S3Access): Record<string, string> {
  return { ROOT_ACCESS_KEY_ID: accessKeyId, ROOT_SECRET_ACCESS_KEY: secretAccessKey };
}
