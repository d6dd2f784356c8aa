/** A single Redis. */
import { findProgram } from './command.ts';
import { startContainer } from './docker.ts';
import { findFreePort } from './free-port.ts';
import {
  askRedis,
  findRedis,
  REDIS_IMAGE,
  REDIS_PACKAGES,
  REDIS_PROGRAMS,
  redisArgs,
} from './redis-server.ts';
import type { Daemon } from './daemon.ts';
import type { Place } from './place.ts';
import { type OwnServer, readVariable, type Env, type Launch, type Service } from './service.ts';
import { waitUntil } from './wait-until.ts';

const URL_VARIABLE = 'LONGHAUL_TEST_REDIS_URL';

/** Redis on one port. */
export const redis: Service = {
  name: 'redis',
  variables: [URL_VARIABLE],
  aptPackages: REDIS_PACKAGES,
  find: () => findRedis(launchProgram),
  docker: { kind: 'image', image: REDIS_IMAGE, launch: launchContainer },
  probe,
};

async function probe(env: Env): Promise<void> {
  await askRedis(readVariable(env, URL_VARIABLE), (client) => client.ping());
}

/** Makes a Redis that is not running yet, and forgets everything when it is stopped. Rejects when there is no program. */
export async function makeRedis(place: Place): Promise<OwnServer> {
  const program = await findProgram(REDIS_PROGRAMS);
  if (program === undefined) throw new Error('redis-server is not on PATH');
  return await prepare(place, program);
}

async function prepare(place: Place, program: string): Promise<OwnServer> {
  const port = await findFreePort();
  const folder = await place.makeFolder('redis');
  const args = [...redisArgs(port, '127.0.0.1'), '--dir', folder];
  const address = `redis://127.0.0.1:${port}`;
  let daemon: Daemon | undefined;
  return {
    address,
    start: async () => {
      daemon = await place.startDaemon('redis', { command: program, args });
      const unless = daemon.died;
      await waitUntil(() => probe({ [URL_VARIABLE]: address }), {
        what: 'redis',
        signal: place.signal,
        unless,
      });
    },
    stop: async () => {
      await daemon?.stop();
    },
  };
}

function launchProgram(program: string): Launch {
  return async (place) => {
    const server = await prepare(place, program);
    await server.start();
    return { [URL_VARIABLE]: server.address };
  };
}

async function launchContainer(place: Place): ReturnType<Launch> {
  const port = await findFreePort();
  const { died } = await startContainer(place, { image: REDIS_IMAGE, ports: new Map([[port, 6379]]) });
  const env = { [URL_VARIABLE]: `redis://127.0.0.1:${port}` };
  await waitUntil(() => probe(env), { what: 'redis', signal: place.signal, unless: died });
  return env;
}
