/** What a single Redis and a Redis Cluster have in common: the program and its arguments. */
import { Redis } from 'ioredis';
import { findProgram, runOrThrow } from './command.ts';
import type { Candidate, Launch } from './service.ts';

/** Debian's package of the server. */
export const REDIS_PACKAGES: readonly string[] = ['redis-server'];

/** The server's program, by each of its names. */
export const REDIS_PROGRAMS: readonly string[] = ['redis-server', 'valkey-server'];

/** The image for machines with Docker only. */
export const REDIS_IMAGE = 'redis:7';

/** Looks for redis-server or valkey-server; `launchWith` gets the program's path. */
export async function findRedis(launchWith: (program: string) => Launch): Promise<Candidate> {
  const program = await findProgram(REDIS_PROGRAMS);
  if (program === undefined) return { kind: 'missing', reason: 'redis-server is not on PATH' };
  const banner = await runOrThrow(program, ['--version']);
  const version = /v=(\S+)/.exec(banner)?.[1] ?? banner.trim();
  return { kind: 'found', version, launch: launchWith(program) };
}

/** Arguments for a server that keeps nothing on disk. */
export function redisArgs(port: number, address: string): string[] {
  return ['--port', String(port), '--bind', address, '--save', '', '--appendonly', 'no'];
}

/** Asks a Redis something over a connection of its own, once, without any retry. */
export async function askRedis<T>(url: string, ask: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: 2_000,
    commandTimeout: 5_000,
  });
  // connect() rejects with the same error; an emitter without a listener would print it.
  redis.on('error', () => undefined);
  try {
    await redis.connect();
    return await ask(redis);
  } finally {
    redis.disconnect();
  }
}
