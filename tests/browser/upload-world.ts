import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CORSRule, GetObjectCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3';
import { type CoordinatorOptions, createCoordinator, type StoreProfile } from '@longhaul/coordinator';
import {
  createS3ObjectStore,
  localS3Profile,
  type S3ObjectStore,
} from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import { serveOnFreePort } from './serve-on-free-port.ts';
import { sha256Of } from './test-file.ts';

/** Stands between the browser and the store: answers in its place, or changes its answer. */
export type StoreFault = (request: Request, pass: () => Promise<Response>) => Promise<Response>;

/** A store and a coordinator, each on its own origin. */
export interface UploadWorld {
  readonly coordinatorUrl: string;
  readonly objectStore: S3ObjectStore;
  /** For files to upload. Gone when the world is closed. */
  readonly folder: string;
  /** From now on each request of the browser to the store goes through `fault`. */
  setFault(fault: StoreFault | undefined): void;
  /** Gives the bucket its one CORS rule. */
  setCors(rule: CORSRule): Promise<void>;
  /** PUTs of the browser that have reached the store so far. */
  readonly putCount: number;
  /** Size and SHA-256 (hex) of a stored object. */
  read(key: string, customerKey?: string): Promise<StoredObject>;
  close(): Promise<void>;
}

/** What is compared with the file. */
export interface StoredObject {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly contentType: string | undefined;
  /** Name of the file, as the metadata has it. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** What is other than usual at the coordinator. */
export type WorldOptions = Partial<Pick<CoordinatorOptions, 'grantExpiresInSeconds' | 'corsOrigins'>> & {
  /** What the coordinator believes of the store, where it is other than what is so. */
  readonly profile?: Partial<StoreProfile>;
};

const BUCKET = 'browser-tests';

/** Starts all of it, on free ports; the store keeps its objects in memory. */
export async function startUploadWorld({ profile, ...options }: WorldOptions = {}): Promise<UploadWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-browser-'));
  const credentials = { accessKeyId: 'browser-tests', secretAccessKey: randomUUID() };
  const s3 = createLocalS3({ storage: { kind: 'memory' }, credentials, buckets: [BUCKET] });
  let fault: StoreFault | undefined;
  let putCount = 0;
  const store = await serveOnFreePort(async (request) => {
    // The coordinator's own calls carry no origin.
    if (!request.headers.has('origin')) return await s3.fetch(request);
    if (request.method === 'PUT') putCount++;
    return fault ? await fault(request, () => s3.fetch(request)) : await s3.fetch(request);
  });
  const where = { endpoint: store.url, region: 'us-east-1', forcePathStyle: true, credentials };
  const client = new S3Client(where);
  const objectStore = createS3ObjectStore({
    ...where,
    bucket: BUCKET,
    profile: { ...localS3Profile, ...profile },
  });
  const sqlite = createSqliteStore({ path: join(folder, 'longhaul.sqlite') });
  await sqlite.catalog.migrate();
  const app = createCoordinator({
    ...sqlite,
    objectStore,
    tokenKeys: [randomUUID()],
    onError: console.error,
    ...options,
  });
  const coordinator = await serveOnFreePort((request) => app.fetch(request));

  return {
    coordinatorUrl: coordinator.url,
    objectStore,
    folder,
    setFault: (next) => void (fault = next),
    async setCors(rule) {
      const CORSConfiguration = { CORSRules: [rule] };
      await client.send(new PutBucketCorsCommand({ Bucket: BUCKET, CORSConfiguration }));
    },
    get putCount() {
      return putCount;
    },
    read: async (key, customerKey) => await readObject(client, key, customerKey),
    async close() {
      await coordinator.close();
      client.destroy();
      objectStore.close();
      await store.close();
      await sqlite.catalog.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function readObject(
  client: S3Client,
  key: string,
  customerKey: string | undefined,
): Promise<StoredObject> {
  // The SDK adds the MD5.
  const sseC = customerKey !== undefined && { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customerKey };
  const answer = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key, ...sseC }));
  const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array(0);
  return {
    sizeBytes: bytes.length,
    sha256: sha256Of(bytes),
    contentType: answer.ContentType,
    metadata: answer.Metadata ?? {},
  };
}
