import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import {
  type Clock,
  createCoordinator,
  type CoordinatorSettings,
  type StoreProfile,
  sweep,
} from '@longhaul/coordinator';
import {
  createEnvelopeSealer,
  createKeyVault,
  type KeySealer,
  readMasterKeys,
} from '@longhaul/coordinator/key-vault';
import { createS3ObjectStore, localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import type { CoordinatorFetch } from '@longhaul/sdk';

/** A coordinator in this process, on SQLite in memory and a local S3 on a port of its own. */
export interface TestServers {
  readonly coordinator: CoordinatorFetch;
  /** Address of the store. */
  readonly storeUrl: string;
  /** The stored object. */
  read(key: string, customerKey?: string): Promise<Uint8Array>;
  /** Names that the objects' metadata keeps. */
  namesOf(keys: readonly string[]): Promise<string[]>;
  /** Objects that the store has. */
  countObjects(): Promise<number>;
  /** Its metadata. */
  metadata(key: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Keys of all objects. */
  keys(): Promise<readonly string[]>;
  /** Uploads that the store has open. */
  openUploads(): Promise<number>;
  /** Puts something else in the place of an object. */
  overwrite(key: string, body: Uint8Array, customerKey: string): Promise<void>;
  /** Lets three days pass, after which the coordinator has ended what nobody goes on with. */
  expireUploads(): Promise<void>;
  /** Failures that the coordinator met. */
  readonly errors: unknown[];
  stop(): Promise<void>;
}

const BUCKET = 'uploads';
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };

/** Starts both; `proxy` puts itself between the uploader and the store: it maps the store's URL to another. */
export async function startServers(
  settings: Partial<CoordinatorSettings> & {
    /** Whether it keeps keys, sealed, beside its uploads. */
    keepsKeys?: boolean;
    publicEndpoint?: (storeUrl: string) => Promise<string>;
    /** Where the coordinator looks for the store instead. */
    endpoint?: string;
    /** What the coordinator believes of the store, where it is other than what is so. */
    profile?: Partial<StoreProfile>;
  } = {},
): Promise<TestServers> {
  const { publicEndpoint, endpoint, profile, keepsKeys, ...coordinatorSettings } = settings;
  const s3 = createLocalS3({ storage: { kind: 'memory' }, credentials: CREDENTIALS, buckets: [BUCKET] });
  const { url: storeUrl, close } = await s3.listen();
  const objectStore = createS3ObjectStore({
    bucket: BUCKET,
    region: 'us-east-1',
    endpoint: endpoint ?? storeUrl,
    ...(publicEndpoint && { publicEndpoint: await publicEndpoint(storeUrl) }),
    forcePathStyle: true,
    credentials: CREDENTIALS,
    profile: { ...localS3Profile, ...profile },
  });
  let passedMs = 0;
  const nowEpochMs = (): number => Date.now() + passedMs;
  const { catalog, state, sealedKeys } = createSqliteStore({ path: ':memory:', nowEpochMs });
  await catalog.migrate();
  const errors: unknown[] = [];
  const options = {
    objectStore,
    catalog,
    state,
    tokenKeys: ['a key of at least thirty-two characters'],
    clock: {
      nowEpochMs,
      randomUuid: randomUUID,
      sleep: async (delayMs: number, signal?: AbortSignal) =>
        await setTimeout(delayMs, undefined, { ...(signal && { signal }) }),
    } satisfies Clock,
    onError: (error: unknown) => errors.push(error),
    ...(keepsKeys && { keyVault: createKeyVault({ sealer: newSealer(), storage: sealedKeys }) }),
    ...coordinatorSettings,
  };
  const app = createCoordinator(options);
  const where = {
    endpoint: storeUrl,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: CREDENTIALS,
  };
  return {
    coordinator: (request) => app.fetch(request),
    storeUrl,
    errors,
    async read(key, customerKey) {
      const { GetObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
      const client = new S3Client(where);
      // The SDK adds the MD5.
      const sseC = customerKey !== undefined && {
        SSECustomerAlgorithm: 'AES256',
        SSECustomerKey: customerKey,
      };
      const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key, ...sseC }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      client.destroy();
      return bytes;
    },
    namesOf: async (keys) =>
      await Promise.all(
        keys.map(async (key) => {
          const { metadata = {} } = (await objectStore.headObject({ key })) ?? {};
          return decodeURIComponent(metadata['original-name'] ?? '');
        }),
      ),
    async countObjects() {
      const { ListObjectsV2Command, S3Client } = await import('@aws-sdk/client-s3');
      const client = new S3Client(where);
      const { KeyCount = 0 } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      client.destroy();
      return KeyCount;
    },
    metadata: async (key) => (await objectStore.headObject({ key }))?.metadata,
    async keys() {
      const { ListObjectsV2Command, S3Client } = await import('@aws-sdk/client-s3');
      const client = new S3Client({
        endpoint: storeUrl,
        region: 'us-east-1',
        forcePathStyle: true,
        credentials: CREDENTIALS,
      });
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: BUCKET }));
      client.destroy();
      return Contents.flatMap(({ Key }) => Key ?? []);
    },
    async overwrite(key, body, SSECustomerKey) {
      const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
      const client = new S3Client(where);
      const sseC = { SSECustomerAlgorithm: 'AES256', SSECustomerKey };
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: body, ...sseC }));
      client.destroy();
    },
    openUploads: async () => (await objectStore.listMultipartUploads({ prefix: '' })).length,
    async expireUploads() {
      passedMs += 73 * 3_600_000;
      await sweep(options);
    },
    async stop() {
      await catalog.close();
      await close();
    },
  };
}

function newSealer(): KeySealer {
  return createEnvelopeSealer({ masterKeys: readMasterKeys(`test:${randomBytes(32).toString('base64')}`) });
}
