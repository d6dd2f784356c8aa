import { createBucketProbe } from '../adapters/object-store/doctor/bucket-probe.ts';
import { guessProfile } from '../adapters/object-store/store-profiles.ts';
import { type CoordinatorSettings, settingsOf } from '../coordinator-settings.ts';
import type { KafkaReport, PostgresReport, RedisReport, ServerProbe } from '../ports/server-probes.ts';
import type { ServeConfig } from './config.ts';
import type { DoctorWish, Patient } from './doctor/patient.ts';
import { loadDriver } from './load-driver.ts';
import type { KafkaConfig } from './sinks-config.ts';
import { connectKafka, POSTGRES_PATIENCE, REDIS_PATIENCE, storeOptions } from './wire.ts';

/** Connects the probes of everything that a configuration names. Nothing is asked yet, so nothing can be away. */
export async function wireDoctor(config: ServeConfig, wish: DoctorWish): Promise<Patient> {
  const settings = settingsOf(config.settings);
  const [keyPrefix = ''] = settings.keyTemplate.split('{');
  const options = await storeOptions(config.store);
  const { memory, sinks } = config;
  const postgres = memory.kind === 'servers' ? await probePostgres(memory.databaseUrl.reveal()) : undefined;
  const redis =
    memory.kind === 'servers' ? await probeRedis(memory.redisUrls.map((url) => url.reveal())) : undefined;
  const kafka = sinks.kafka && (await probeKafka(sinks.kafka));
  const bucket = createBucketProbe({ ...options, keyPrefix, kmsKeyId: kmsKeyIdOf(settings) });
  return {
    config,
    settings,
    wish,
    profile: options.profile ?? guessProfile(options.endpoint),
    keyPrefix,
    bucket,
    redis,
    postgres,
    kafka,
    async close() {
      bucket.close();
      await Promise.allSettled([redis?.close(), postgres?.close(), kafka?.close()]);
    },
  };
}

/** What an upload without a key of its own would get; else the first that may be named. */
function kmsKeyIdOf({ encryption }: CoordinatorSettings): string | undefined {
  return encryption.defaultKmsKeyId ?? encryption.kmsKeyIds?.find((keyId) => keyId !== '*');
}

async function probePostgres(url: string): Promise<ServerProbe<PostgresReport>> {
  const { default: postgres } = await loadDriver(
    'postgres',
    'LONGHAUL_DATABASE_URL',
    () => import('postgres'),
  );
  const { createPostgresProbe } = await import('../adapters/postgres/postgres-probe.ts');
  return createPostgresProbe({ sql: postgres(url, { ...POSTGRES_PATIENCE, max: 1 }) });
}

async function probeRedis([firstUrl = '', ...otherUrls]: readonly string[]): Promise<
  ServerProbe<RedisReport>
> {
  const { Cluster, Redis } = await loadDriver('ioredis', 'LONGHAUL_REDIS_URL', () => import('ioredis'));
  const { createRedisProbe } = await import('../adapters/redis/redis-probe.ts');
  const once = { lazyConnect: true, enableOfflineQueue: false } as const;
  const redis =
    otherUrls.length > 0
      ? new Cluster([firstUrl, ...otherUrls], {
          ...once,
          redisOptions: REDIS_PATIENCE,
          clusterRetryStrategy: () => null,
        })
      : new Redis(firstUrl, { ...once, ...REDIS_PATIENCE, retryStrategy: () => null });
  return createRedisProbe({ redis });
}

async function probeKafka(config: KafkaConfig): Promise<ServerProbe<KafkaReport>> {
  const { createKafkaProbe } = await import('../adapters/kafka/kafka-probe.ts');
  return createKafkaProbe({ kafka: await connectKafka(config), topic: config.topic });
}
