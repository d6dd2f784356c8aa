import { randomUUID } from 'node:crypto';
import type { RedisReport, ServerProbe } from '../../ports/server-probes.ts';

/** What is used of a client of `ioredis`. */
export interface ProbedRedis {
  readonly status: string;
  connect(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  info(): Promise<string>;
  eval(lua: string, keyCount: number, ...args: string[]): Promise<unknown>;
  disconnect(): void;
}

/** Looks at a Redis by INFO, which managed ones allow where they forbid CONFIG, and by one key of its own. */
export function createRedisProbe({ redis }: { readonly redis: ProbedRedis }): ServerProbe<RedisReport> {
  let lastError: Error | undefined;
  redis.on('error', (error) => (lastError = error));
  return {
    async look() {
      try {
        if (redis.status !== 'ready') await redis.connect();
        const info = fieldsOf(await redis.info());
        return {
          version: info.get('redis_version') ?? 'unknown',
          role: info.get('role') ?? 'unknown',
          isCluster: info.get('cluster_enabled') === '1',
          evictionPolicy: info.get('maxmemory_policy'),
          maxMemoryBytes: Number(info.get('maxmemory') ?? 0),
          usedMemoryBytes: Number(info.get('used_memory') ?? 0),
          writeRefusal: await writeRefusal(redis),
        };
      } catch (error) {
        // connect() says that the connection is closed; why, the event has said.
        return { unreachable: messageOf(lastError ?? error) };
      }
    },
    async close() {
      redis.disconnect();
    },
  };
}

/** The shortest of what hot state does: a script that writes a hash with a life, and takes it away. */
const SCRIPT = `
redis.call('HSET', KEYS[1], 'doctor', '1')
redis.call('EXPIRE', KEYS[1], 10)
return redis.call('UNLINK', KEYS[1])`;

async function writeRefusal(redis: ProbedRedis): Promise<string | undefined> {
  try {
    await redis.eval(SCRIPT, 1, `upload:{doctor-${randomUUID()}}:state`);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function fieldsOf(info: string): ReadonlyMap<string, string> {
  const pairs = info.split(/\r?\n/).map((line) => line.split(':'));
  return new Map(pairs.map(([name = '', ...value]) => [name, value.join(':')]));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
