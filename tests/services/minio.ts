/** MinIO: an S3 server that encrypts in every way there is, over TLS, with a key of its own for SSE-S3 and SSE-KMS. */
import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import { loopbackCertificate, trustVariables } from './certificate.ts';
import { findProgram } from './command.ts';
import { findFreePort } from './free-port.ts';
import { goInstall } from './go-install.ts';
import { SERVICES_FOLDER } from './run-folders.ts';
import { makeS3Access, probeS3, s3Env, s3Variables } from './s3-probe.ts';
import type { Candidate, Launch, Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const SERVER = 'MINIO';
/** Names the key that SSE-KMS asks for. */
const KMS_KEY_VARIABLE = 'LONGHAUL_TEST_MINIO_KMS_KEY_ID';
const KMS_KEY = 'longhaul-test';
// The last state of the project's sources, four months after its last release.
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const BIN_FOLDER = join(SERVICES_FOLDER, 'bin');
const FOLDER_NAME = `minio-${VERSION}`;
const NEEDED_GO = { major: 1, minor: 24 } as const;

/** MinIO on one folder. */
export const minio: Service = {
  name: 'minio',
  variables: s3Variables(SERVER),
  aptPackages: [],
  find,
  build: (signal) =>
    goInstall(`github.com/minio/minio@${VERSION}`, join(BIN_FOLDER, FOLDER_NAME), {
      neededGo: NEEDED_GO,
      signal,
    }),
  docker: { kind: 'none', reason: 'its images ended with its releases' },
  probe: (env) => probeS3(SERVER, env),
};

// Not from PATH: other programs are called so, too, and older ones encrypt otherwise.
async function find(): Promise<Candidate> {
  const program = await findProgram([`${FOLDER_NAME}/minio`], [BIN_FOLDER]);
  if (program === undefined) return { kind: 'missing', reason: `there is no MinIO of ${VERSION}` };
  return { kind: 'found', version: VERSION, launch: launchProgram(program) };
}

function launchProgram(program: string): Launch {
  return async (place) => {
    const access = makeS3Access(await findFreePort());
    const certificate = await loopbackCertificate();
    const { died } = await place.startDaemon('minio', {
      command: program,
      args: [
        'server',
        '--quiet',
        '--address',
        `127.0.0.1:${access.port}`,
        '--certs-dir',
        dirname(certificate.certificateFile),
        await place.makeFolder('minio-objects'),
      ],
      env: {
        ...process.env,
        MINIO_ROOT_USER: access.accessKeyId,
        MINIO_ROOT_PASSWORD: access.secretAccessKey,
        MINIO_KMS_SECRET_KEY: `${KMS_KEY}:${randomBytes(32).toString('base64')}`,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
      },
    });
    const env = {
      ...s3Env(SERVER, access, 'https'),
      ...trustVariables(certificate),
      [KMS_KEY_VARIABLE]: KMS_KEY,
    };
    await waitUntil(() => probeS3(SERVER, env), { what: 'minio', signal: place.signal, unless: died });
    return env;
  };
}
