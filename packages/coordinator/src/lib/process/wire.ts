import type { Kafka } from 'kafkajs';
import { storeProfiles } from '../adapters/object-store/store-profiles.ts';
import type { S3ObjectStoreOptions } from '../adapters/object-store/s3-client.ts';
import { createS3ObjectStore } from '../adapters/object-store/s3-object-store.ts';
import { createSqliteStore } from '../adapters/sqlite/sqlite-store.ts';
import type { PrometheusMetrics } from '../adapters/prometheus/prometheus-metrics.ts';
import type { CoordinatorOptions } from '../coordinator-options.ts';
import type { CallLimiter } from '../ports/call-limiter.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { BucketLifecycle } from '../ports/bucket-lifecycle.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { SealedKeyStore } from '../ports/key-vault.ts';
import type { StateStore } from '../ports/state-store.ts';
import { Secret } from '../secret.ts';
import type { MemoryConfig, ServeConfig } from './config.ts';
import type { KafkaConfig, SinksConfig, WebhookConfig } from './sinks-config.ts';
import { loadDriver } from './load-driver.ts';
import { readProfileFile } from './profile-file.ts';
import { checkSqliteFile } from './sqlite-file.ts';
import type { StoreConfig } from './store-config.ts';
import { readOrMakeTokenKey } from './token-key-file.ts';
import { wireAuthorize } from './wire-authorize.ts';
import { wireKeySealer, wireKeyVault } from './wire-key-vault.ts';

/** Ports for a configuration, and how to let go of them. Only the files named `wire…` name adapters. */
export interface Wiring {
  readonly options: CoordinatorOptions;
  readonly lifecycle: BucketLifecycle;
  /** Answers a scrape. */
  readonly scrape: (() => Promise<Response>) | undefined;
  close(): Promise<void>;
}

/**
 * Connects everything that a configuration asks for. Drivers are loaded only when they are asked for, so that one
 * machine needs neither Postgres nor Redis installed.
 *
 * @param onNotice told when something that was asked for is done otherwise
 */
export async function wire(
  config: ServeConfig,
  onNotice: (notice: string) => void = () => undefined,
): Promise<Wiring> {
  const tokenKeys = await tokenKeysOf(config);
  const authorize = await wireAuthorize(config.authorize);
  const objectStore = createS3ObjectStore({ ...(await storeOptions(config.store)), onNotice });
  const sinks = await wireSinks(config.sinks);
  const metrics = config.metrics && (await wireMetrics());
  const sealer = config.keyVault && (await wireKeySealer(config.keyVault, config.store.region));
  // Connections last: a failure after them would leave them open, and the process could not end.
  const { catalog, state, sealedKeys, callLimiter } = await wireMemory(config.memory);
  const options: CoordinatorOptions = {
    ...config.settings,
    objectStore,
    catalog,
    state,
    tokenKeys,
    sinks,
    ...(callLimiter && { callLimiter }),
    ...(metrics && { metrics }),
    ...(config.keyVault && sealer && { keyVault: wireKeyVault(config.keyVault, sealer, sealedKeys) }),
    ...(config.corsOrigins && { corsOrigins: config.corsOrigins }),
    ...(authorize && { authorize }),
  };
  return {
    options,
    lifecycle: objectStore.lifecycle,
    scrape: metrics?.respond,
    async close() {
      await Promise.allSettled(sinks.map((sink) => sink.close()));
      objectStore.close();
      await Promise.allSettled([state.close(), catalog.close()]);
    },
  };
}

/** Connects the catalog alone, for `migrate`. */
export async function wireCatalog({ memory }: ServeConfig): Promise<Catalog> {
  if (memory.kind !== 'sqlite') return await wirePostgres(memory.databaseUrl);
  await checkSqliteFile(memory.path);
  return createSqliteStore({ path: memory.path }).catalog;
}

/** The bucket, as the adapter wants it named. @throws ConfigError when S3_PROFILE_FILE is no profile */
export async function storeOptions(store: StoreConfig): Promise<S3ObjectStoreOptions> {
  const named = store.profile && storeProfiles[store.profile];
  const profile = store.profileFile === undefined ? named : await readProfileFile(store.profileFile);
  return {
    bucket: store.bucket,
    region: store.region,
    forcePathStyle: store.forcePathStyle,
    accelerate: store.accelerate,
    dualStack: store.dualStack,
    ...(store.endpoint !== undefined && { endpoint: store.endpoint }),
    ...(store.publicEndpoint !== undefined && { publicEndpoint: store.publicEndpoint }),
    ...(profile && { profile }),
  };
}

/** What many machines share in Redis; on one machine calls are counted in the process. */
interface Shared {
  readonly state: StateStore;
  readonly sealedKeys: SealedKeyStore;
  readonly callLimiter?: CallLimiter;
}

async function wireMemory(memory: MemoryConfig): Promise<Shared & { catalog: Catalog }> {
  if (memory.kind === 'sqlite') return createSqliteStore({ path: memory.path });
  // Postgres connects with its first query, Redis at once: in this order nothing is left open by a failure.
  const catalog = await wirePostgres(memory.databaseUrl);
  return { catalog, ...(await wireRedis(memory.redisUrls)) };
}

async function wirePostgres(url: Secret): Promise<Catalog> {
  const [{ default: postgres }, { createPostgresCatalog }] = await Promise.all([
    loadDriver('postgres', 'LONGHAUL_DATABASE_URL', () => import('postgres')),
    import('../adapters/postgres/postgres-catalog.ts'),
  ]);
  return createPostgresCatalog({ sql: postgres(url.reveal(), POSTGRES_PATIENCE) });
}

/** A call that finds Postgres away hears so within a second; the driver's own pauses between two tries grow to 20 s. */
export const POSTGRES_PATIENCE = {
  connect_timeout: 5,
  backoff: (failures: number): number => Math.min(0.1 * 2 ** failures, 1),
} as const;

async function wireRedis(urls: readonly Secret[]): Promise<Shared> {
  const [firstUrl = '', ...otherUrls] = urls.map((url) => url.reveal());
  const [{ Cluster, Redis }, { createRedisState }, { createRedisSealedKeys }, { createRedisCallLimiter }] =
    await Promise.all([
      loadDriver('ioredis', 'LONGHAUL_REDIS_URL', () => import('ioredis')),
      import('../adapters/redis/redis-state.ts'),
      import('../adapters/redis/redis-sealed-keys.ts'),
      import('../adapters/redis/redis-call-limiter.ts'),
    ]);
  const options = { lazyConnect: true, enableOfflineQueue: false };
  const redis =
    otherUrls.length > 0
      ? new Cluster([firstUrl, ...otherUrls], { ...options, redisOptions: REDIS_PATIENCE })
      : new Redis(firstUrl, { ...options, ...REDIS_PATIENCE });
  // Every call tells of it by itself.
  redis.on('error', () => undefined);
  // No call waits for a connection, so the first one is waited for here. Without it uploads go on; it is tried again.
  await redis.connect().catch(() => undefined);
  return {
    state: createRedisState({ redis }),
    sealedKeys: createRedisSealedKeys({ redis }),
    callLimiter: createRedisCallLimiter({ redis }),
  };
}

/**
 * Hot state is a cache: what Redis does not say at once, the catalog and the store say. So a Redis that is away costs a
 * call nothing, and one that hangs a second until its connection is cut. By itself ioredis waits more than 20 s for the
 * one (measured), and for ever for the other.
 */
export const REDIS_PATIENCE = {
  connectTimeout: 2_000,
  commandTimeout: 1_000,
  socketTimeout: 1_500,
  maxRetriesPerRequest: 0,
} as const;

/** Nothing is sent yet, and nobody is connected to. */
async function wireSinks({ kafka, webhook }: SinksConfig): Promise<readonly EventSink[]> {
  return [...(kafka ? [await wireKafka(kafka)] : []), ...(webhook ? [await wireWebhook(webhook)] : [])];
}

async function wireKafka(config: KafkaConfig): Promise<EventSink> {
  const { createKafkaSink } = await import('../adapters/kafka/kafka-sink.ts');
  return createKafkaSink({ kafka: await connectKafka(config), topic: config.topic });
}

/** A client of the brokers. Nobody is connected to yet. */
export async function connectKafka({ brokers, ssl, sasl }: KafkaConfig): Promise<Kafka> {
  const { Kafka, logLevel } = await loadDriver('kafkajs', 'LONGHAUL_KAFKA_BROKERS', () => import('kafkajs'));
  return new Kafka({
    clientId: 'longhaul-coordinator',
    brokers: [...brokers],
    ssl,
    ...(sasl && { sasl: { ...sasl, password: sasl.password.reveal() } }),
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    // The relay says what fails, and repeats it.
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
}

/** Figures of ours, and of the process: its memory, its processor, how late its event loop is. */
async function wireMetrics(): Promise<PrometheusMetrics> {
  // Before the adapter, which imports it too and would fail with less to say.
  const { collectDefaultMetrics, Registry } = await loadDriver(
    'prom-client',
    'LONGHAUL_METRICS_PORT',
    () => import('prom-client'),
  );
  const { createPrometheusMetrics } = await import('../adapters/prometheus/prometheus-metrics.ts');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return createPrometheusMetrics({ registry });
}

async function wireWebhook({ url, secret }: WebhookConfig): Promise<EventSink> {
  const { createWebhookSink } = await import('../adapters/webhook/webhook-sink.ts');
  return createWebhookSink({ url, secret });
}

/** The first that touches the folder of a SQLite file. */
async function tokenKeysOf({ tokenKeys, memory }: ServeConfig): Promise<readonly Secret[]> {
  if (memory.kind === 'sqlite') await checkSqliteFile(memory.path);
  return tokenKeys ?? [new Secret(await readOrMakeTokenKey(keyFileOf(memory)))];
}

/** Where the token key is that was made at the first start. */
export function keyFileOf(memory: MemoryConfig): string {
  if (memory.kind !== 'sqlite') throw new TypeError('token keys must be given when there is no SQLite file');
  return `${memory.path}.token-key`;
}
