import { KeyVaultError, type SealedKeyStore } from '../../ports/key-vault.ts';

/** What is used of a client of `ioredis`: a single server, Sentinel or Cluster. */
export interface SealedKeyRedis {
  /** Writes a text that lives so long. */
  set(key: string, value: string, token: 'EX', seconds: number): Promise<unknown>;
  /** Reads a text, and lets it live so long. */
  getex(key: string, token: 'EX', seconds: number): Promise<string | null>;
  /** Removes a text. */
  unlink(key: string): Promise<number>;
}

/**
 * Sealed keys in Redis, each under `upload:{<id>}:sealed-key`, beside the hot state of its upload. Unlike that state they
 * cannot be made again: without one, the owner of the upload is asked for the key again.
 *
 * @param redis a `Redis` or `Cluster` of `ioredis`, 6.2 or newer; may be the one of `createRedisState`, which closes it
 */
export function createRedisSealedKeys({ redis }: { readonly redis: SealedKeyRedis }): SealedKeyStore {
  return {
    write: (uploadId, sealed, ttlSeconds) =>
      attempt('keep a sealed key', async () => {
        await redis.set(keyOf(uploadId), sealed, 'EX', ttlSeconds);
      }),
    read: (uploadId, ttlSeconds) =>
      attempt(
        'read a sealed key',
        async () => (await redis.getex(keyOf(uploadId), 'EX', ttlSeconds)) ?? undefined,
      ),
    remove: (uploadId) =>
      attempt('remove a sealed key', async () => void (await redis.unlink(keyOf(uploadId)))),
  };
}

function keyOf(uploadId: string): string {
  return `upload:{${uploadId}}:sealed-key`;
}

async function attempt<Result>(deed: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new KeyVaultError('unreachable', `Redis could not ${deed}`, { cause });
  }
}
