import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { createAdaptorServer } from '@hono/node-server';
import {
  type Catalog,
  type CoordinatorOptions,
  createCoordinator,
  relay,
  sweep,
} from '@longhaul/coordinator';
import {
  createS3ObjectStore,
  localS3Profile,
  type S3ObjectStoreOptions,
} from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import type { UploadEvent } from '@longhaul/protocol';
import { type Fault, PASS, type Passing, startWire, type Wire } from './wire.ts';

const wait = async (delayMs: number, signal?: AbortSignal): Promise<void> =>
  await sleep(delayMs, undefined, { signal, ref: false });

/** What each of the three wires does to a request. Left out: nothing. */
export interface WorldOptions {
  readonly clientToStore?: (passing: Passing) => Fault;
  readonly clientToCoordinator?: (passing: Passing) => Fault;
  readonly coordinatorToStore?: (passing: Passing) => Fault;
  readonly store?: Partial<S3ObjectStoreOptions>;
  readonly settings?: Partial<CoordinatorOptions>;
  /** The time that coordinator and catalog tell. Default: what it is. */
  readonly nowEpochMs?: () => number;
}

/** A coordinator and a store that listen, with a bad wire between any two of them and the client. */
export interface World {
  /** Address of the coordinator, by the client's wire. */
  readonly coordinator: string;
  readonly catalog: Catalog;
  readonly clientToStore: Wire;
  /** How uploads ended, as sinks were told. */
  events(): Promise<readonly UploadEvent[]>;
  /** Drives on what is due. */
  sweep(): Promise<unknown>;
  /** SHA-256 (hex) of the stored object; `undefined` without one. */
  hashOf(key: string): Promise<string | undefined>;
  /** Uploads that the store has open. */
  openUploads(): Promise<number>;
  /** Ends every open upload at the store behind the coordinator's back, as a rule of the bucket does. */
  abortAll(): Promise<void>;
  stop(): Promise<void>;
}

const BUCKET = 'uploads';
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test-secret' };

export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const s3 = createLocalS3({ storage: { kind: 'memory' }, credentials: CREDENTIALS, buckets: [BUCKET] });
  const listening = await s3.listen();
  const location = { region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS };
  const bucket = { ...location, bucket: BUCKET, profile: localS3Profile };
  const clientToStore = await startWire(listening.url, options.clientToStore ?? (() => PASS));
  const coordinatorToStore = await startWire(listening.url, options.coordinatorToStore ?? (() => PASS));
  const objectStore = createS3ObjectStore({
    ...bucket,
    endpoint: coordinatorToStore.url,
    publicEndpoint: clientToStore.url,
    ...options.store,
  });
  const direct = createS3ObjectStore({ ...bucket, endpoint: listening.url });
  const client = new S3Client({ ...location, endpoint: listening.url });
  const { nowEpochMs = Date.now } = options;
  const { catalog, state } = createSqliteStore({ path: ':memory:', nowEpochMs });
  await catalog.migrate();
  const told: UploadEvent[] = [];
  const coordinatorOptions = {
    objectStore,
    catalog,
    state,
    tokenKeys: ['a key for tests that is long enough'],
    completionRedriveAfterSeconds: 1,
    clock: { nowEpochMs, randomUuid: () => randomUUID(), sleep: wait },
    sinks: [
      {
        name: 'told',
        publish: (event: UploadEvent) => Promise.resolve(void told.push(event)),
        close: () => Promise.resolve(),
      },
    ],
    ...options.settings,
  };
  const server = createAdaptorServer({ fetch: createCoordinator(coordinatorOptions).fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clientToCoordinator = await startWire(
    `http://127.0.0.1:${port}`,
    options.clientToCoordinator ?? (() => PASS),
  );
  return {
    coordinator: clientToCoordinator.url,
    catalog,
    clientToStore,
    async events() {
      await relay(coordinatorOptions);
      return told;
    },
    sweep: () => sweep(coordinatorOptions),
    async hashOf(key) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
        return sha256((await Body?.transformToByteArray()) ?? new Uint8Array());
      } catch (error) {
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
        throw error;
      }
    },
    openUploads: async () => (await direct.listMultipartUploads({ prefix: '' })).length,
    async abortAll() {
      for (const open of await direct.listMultipartUploads({ prefix: '' }))
        await direct.abortMultipartUpload(open);
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await Promise.all([clientToStore, coordinatorToStore, clientToCoordinator].map((wire) => wire.stop()));
      for (const each of [objectStore, direct]) each.close();
      client.destroy();
      await catalog.close();
      await listening.close();
    },
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
