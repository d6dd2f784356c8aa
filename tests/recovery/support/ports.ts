import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import type { Catalog, EventSink, ObjectStore, StateStore } from '@longhaul/coordinator';
import {
  createEnvelopeSealer,
  createKeyVault,
  type KeyVault,
  readMasterKeys,
} from '@longhaul/coordinator/key-vault';
import { createKafkaSink } from '@longhaul/coordinator/kafka';
import { createPostgresCatalog } from '@longhaul/coordinator/postgres';
import { createRedisSealedKeys, createRedisState } from '@longhaul/coordinator/redis';
import {
  cephRadosgw16Profile,
  createS3ObjectStore,
  localS3Profile,
  minioProfile,
  versitygwProfile,
} from '@longhaul/coordinator/s3-object-store';

/** Where the servers of one replica are. Travels to it as JSON. */
export interface Addresses {
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly kafka: { readonly brokers: string; readonly topic: string };
  readonly store: StoreAddress;
}

/** A bucket. */
export interface StoreAddress {
  readonly profile: keyof typeof PROFILES;
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Everything that a replica talks to. */
export interface Ports {
  readonly catalog: Catalog;
  readonly state: StateStore;
  readonly objectStore: ObjectStore & { close(): void };
  readonly sink: EventSink;
  /** Where keys wait for whoever goes on with a rotation. */
  readonly keyVault: KeyVault;
}

/** Every replica of a lane has the same one. */
const MASTER_KEY = Buffer.alloc(32, 'a key for tests').toString('base64');

const PROFILES = {
  versitygw: versitygwProfile,
  ceph: cephRadosgw16Profile,
  // Copies of a few megabytes have parts.
  minio: { ...minioProfile, maxCopySizeBytes: 5 * 1024 ** 2 },
  'local-s3': localS3Profile,
} as const;

/** The real ports, by the package's public entries. Nobody is connected to before the first call. */
export function openPorts({ databaseUrl, redisUrl, kafka, store }: Addresses): Ports {
  const client = new Kafka({
    clientId: 'longhaul-replica',
    brokers: kafka.brokers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const redis = new Redis(redisUrl, { lazyConnect: true, maxRetriesPerRequest: 1 });
  // Each call tells of it by itself.
  redis.on('error', () => undefined);
  return {
    catalog: createPostgresCatalog({ sql: postgres(databaseUrl, { max: 4, onnotice: () => undefined }) }),
    state: createRedisState({ redis }),
    objectStore: openObjectStore(store),
    sink: createKafkaSink({ kafka: client, topic: kafka.topic }),
    keyVault: createKeyVault({
      sealer: createEnvelopeSealer({ masterKeys: readMasterKeys(`replicas:${MASTER_KEY}`) }),
      storage: createRedisSealedKeys({ redis }),
      onAudit: () => undefined,
    }),
  };
}

/** A bucket, as a coordinator sees it. */
export function openObjectStore({ profile, ...location }: StoreAddress): Ports['objectStore'] {
  return createS3ObjectStore({
    ...location,
    region: 'us-east-1',
    forcePathStyle: true,
    profile: PROFILES[profile],
  });
}
