import type { UploadState } from '@longhaul/protocol';
import { type RecordOutcome, type StateStore, StateStoreError } from '../../ports/state-store.ts';
import { endFieldsOf, fieldsOf, hotUploadOf, partFieldsOf, partsOf } from './hot-upload-fields.ts';
import { type RecordReply, type ScriptCommands, SCRIPTS } from './scripts.ts';

/** What is used of a client of `ioredis`: a single server, Sentinel or Cluster. */
export interface RedisClient {
  readonly status: string;
  defineCommand(name: string, definition: { readonly lua: string; readonly numberOfKeys: number }): void;
  hgetall(key: string): Promise<Record<string, string>>;
  /** A field of a hash. */
  hget(key: string, field: string): Promise<string | null>;
  unlink(...keys: string[]): Promise<number>;
  ping(): Promise<string>;
  quit(): Promise<string>;
  disconnect(): void;
}

/** Options of {@link createRedisState}. */
export interface RedisStateOptions {
  /**
   * A `Redis` or `Cluster` of `ioredis`. The store ends it on `close`, so give it one of its own.
   *
   * Give it little patience: what Redis does not say, the catalog and the object store say, while by itself `ioredis` waits
   * more than 20 s for a Redis that is away, and for ever for one that hangs.
   */
  readonly redis: RedisClient;
  /** How long an upload is remembered after its last change. Default 86,400 (24 h). */
  readonly ttlSeconds?: number;
}

/**
 * Hot state in Redis: `upload:{<id>}:state` is a hash of what is known of an upload, `upload:{<id>}:etags` one of its
 * parts by number. The braces keep both in one slot of a Cluster. Both expire together; losing them loses nothing.
 *
 * @throws TypeError when `ttlSeconds` is not a whole number above 0
 * @example
 * import { Redis } from 'ioredis';
 * const patience = { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: 1_000, socketTimeout: 1_500 };
 * const redis = new Redis('redis://127.0.0.1:6379', { ...patience, lazyConnect: true });
 * await redis.connect();
 * const state = createRedisState({ redis });
 */
export function createRedisState(options: RedisStateOptions): StateStore {
  const ttlSeconds = wholeSeconds(options.ttlSeconds ?? DEFAULT_TTL_SECONDS);
  const redis = withScripts(options.redis);

  return {
    find: (uploadId) =>
      attempt('read an upload', async () => hotUploadOf(await redis.hgetall(keysOf(uploadId)[0]))),
    parts: (uploadId) =>
      attempt('read parts', async () => partsOf(await redis.longhaulParts(...keysOf(uploadId)))),
    record: (uploadId, parts) =>
      attempt('record parts', async () =>
        outcomeOf(await redis.longhaulRecord(...keysOf(uploadId), ttlSeconds, ...partFieldsOf(parts))),
      ),
    restore: (upload, parts) =>
      attempt('restore an upload', async () => {
        const fields = Object.entries(fieldsOf(upload)).flat();
        const values = [ttlSeconds, fields.length, ...fields, ...partFieldsOf(parts)];
        await redis.longhaulRestore(...keysOf(upload.uploadId), ...values);
      }),
    setStatus: (uploadId, status) =>
      attempt('change a status', async () => {
        await redis.longhaulSetStatus(...keysOf(uploadId), ttlSeconds, status);
      }),
    remove: (uploadId) =>
      attempt('forget an upload', async () => void (await redis.unlink(...keysOf(uploadId)))),
    finish: (uploadId, end) =>
      attempt('finish an upload', async () => {
        await redis.longhaulFinish(...keysOf(uploadId), ttlSeconds, ...endFieldsOf(end));
      }),
    lastActiveAtEpochMs: (uploadId) =>
      attempt('read an activity', async () => {
        const updatedAt = await redis.hget(keysOf(uploadId)[0], 'updated_at');
        return updatedAt === null ? undefined : Number(updatedAt);
      }),
    ping: () => attempt('answer', async () => void (await redis.ping())),
    close: () => attempt('close', () => end(redis)),
  };
}

const DEFAULT_TTL_SECONDS = 86_400;

function wholeSeconds(ttlSeconds: number): number {
  if (Number.isSafeInteger(ttlSeconds) && ttlSeconds > 0) return ttlSeconds;
  throw new TypeError(`ttlSeconds must be a whole number above 0, got ${ttlSeconds}`);
}

function withScripts<Client extends RedisClient>(client: Client): Client & ScriptCommands {
  for (const [name, lua] of Object.entries(SCRIPTS)) client.defineCommand(name, { lua, numberOfKeys: 2 });
  // defineCommand has just added these methods, which TypeScript cannot see.
  return client as Client & ScriptCommands;
}

function keysOf(uploadId: string): [stateKey: string, partsKey: string] {
  return [`upload:{${uploadId}}:state`, `upload:{${uploadId}}:etags`];
}

function outcomeOf(reply: RecordReply): RecordOutcome {
  switch (reply[0]) {
    case 'recorded':
      return { kind: 'recorded', receivedCount: reply[1], newPartNumbers: reply[2] };
    case 'closed':
      return { kind: 'closed', status: reply[1] as UploadState };
    case 'absent':
      return { kind: 'absent' };
  }
}

async function end(redis: RedisClient): Promise<void> {
  // QUIT waits for what is under way, but without a connection it would wait for one.
  if (redis.status !== 'ready') return redis.disconnect();
  // Cut after a QUIT that nobody answers, too: it would keep the process alive.
  await redis.quit().finally(() => redis.disconnect());
}

async function attempt<Result>(deed: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new StateStoreError(`Redis could not ${deed}`, { cause });
  }
}
