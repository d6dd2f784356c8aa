/** A single Redis. */
import { startContainer } from './docker.ts';
import { findFreePort } from './free-port.ts';
import { askRedis, findRedis, REDIS_IMAGE, REDIS_PACKAGES, redisArgs } from './redis-server.ts';
import type { Place } from './place.ts';
import { readVariable, type Env, type Launch, type Service } from './service.ts';
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

function launchProgram(program: string): Launch {
  return async (place) => {
    const port = await findFreePort();
    const folder = await place.makeFolder('redis');
    const args = [...redisArgs(port, '127.0.0.1'), '--dir', folder];
    const { died } = await place.startDaemon('redis', { command: program, args });
    const env = { [URL_VARIABLE]: `redis://127.0.0.1:${port}` };
    await waitUntil(() => probe(env), { what: 'redis', signal: place.signal, unless: died });
    return env;
  };
}

async function launchContainer(place: Place): ReturnType<Launch> {
  const port = await findFreePort();
  const { died } = await startContainer(place, { image: REDIS_IMAGE, ports: new Map([[port, 6379]]) });
  const env = { [URL_VARIABLE]: `redis://127.0.0.1:${port}` };
  await waitUntil(() => probe(env), { what: 'redis', signal: place.signal, unless: died });
  return env;
}
