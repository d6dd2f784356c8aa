import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { createAdaptorServer } from '@hono/node-server';
import { type Authorize, type CoordinatorOptions, createCoordinator } from '@longhaul/coordinator';
import { createS3ObjectStore, storeProfiles } from '@longhaul/coordinator/s3-object-store';
import { createSqliteStore } from '@longhaul/coordinator/sqlite';
import { createLocalS3 } from '@longhaul/local-s3';
import {
  type CreateUploadRequest,
  type CreateUploadResponse,
  type Problem,
  TOKEN_HEADER,
} from '@longhaul/protocol';
import { contentOf } from './bucket-content.ts';

/** Stores behind the coordinator under attack. */
export type StoreName = 'local-s3' | 'versitygw' | 'ceph-radosgw-16';

/** What may stand in no answer. */
export const SECRETS = {
  tokenKey: 'canary-token-key-that-is-long-enough',
  secretAccessKey: 'canary-secret-access-key',
} as const;

/** What attackers would change: rows by state, objects, open uploads at the store. */
export interface Effects {
  readonly rows: Readonly<Record<string, number>>;
  readonly objects: readonly string[];
  readonly openUploads: readonly string[];
}

export interface Sent {
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array;
  readonly token?: string;
  readonly user?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly problem: Problem;
}

/** A coordinator that listens, on SQLite and a bucket of its own, and everything that it could be made to do. */
export interface HostileWorld {
  readonly url: string;
  readonly client: S3Client;
  readonly bucket: string;
  /** What it has told its log. */
  readonly reported: unknown[];
  call(method: string, path: string, sent?: Sent): Promise<Heard>;
  create(request?: Partial<CreateUploadRequest>, user?: string): Promise<CreateUploadResponse>;
  effects(): Promise<Effects>;
  close(): Promise<void>;
}

const VARIABLES = { versitygw: 'LONGHAUL_TEST_VERSITYGW', 'ceph-radosgw-16': 'LONGHAUL_TEST_CEPH' } as const;

/** Why a store cannot be used here; empty when it can. */
export function missingFor(store: StoreName): string {
  return store === 'local-s3' || process.env[`${VARIABLES[store]}_URL`] ? '' : `${VARIABLES[store]}_URL`;
}

interface Place {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly close: () => Promise<void>;
}

async function openStore(store: StoreName): Promise<Place> {
  if (store === 'local-s3') {
    const credentials = { accessKeyId: 'test', secretAccessKey: SECRETS.secretAccessKey };
    const { url, close } = await createLocalS3({ storage: { kind: 'memory' }, credentials }).listen();
    return { endpoint: url, credentials, close };
  }
  const read = (suffix: string): string => process.env[`${VARIABLES[store]}_${suffix}`] ?? '';
  return {
    endpoint: read('URL'),
    credentials: { accessKeyId: read('ACCESS_KEY_ID'), secretAccessKey: read('SECRET_ACCESS_KEY') },
    close: () => Promise.resolve(),
  };
}

/** Owners are who the header `x-user` says; `mallory` unless told otherwise. */
export const byHeader: Authorize = (request) => request.headers.get('x-user') ?? 'mallory';

export async function openWorld(
  store: StoreName = 'local-s3',
  options: Partial<CoordinatorOptions> = { authorize: byHeader },
): Promise<HostileWorld> {
  const place = await openStore(store);
  const bucket = `hostile-${randomUUID()}`;
  const location = {
    endpoint: place.endpoint,
    credentials: place.credentials,
    region: 'us-east-1',
    forcePathStyle: true,
  };
  const client = new S3Client(location);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const objectStore = createS3ObjectStore({ ...location, bucket, profile: storeProfiles[store] });
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-hostile-'));
  const path = join(folder, 'longhaul.sqlite');
  const memory = createSqliteStore({ path });
  await memory.catalog.migrate();
  const reported: unknown[] = [];
  const app = createCoordinator({
    ...memory,
    objectStore,
    tokenKeys: [SECRETS.tokenKey],
    onError: (error) => reported.push(error),
    ...options,
  });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const call = (method: string, callPath: string, sent?: Sent): Promise<Heard> =>
    callAt(`${url}${callPath}`, method, sent);
  return {
    url,
    client,
    bucket,
    reported,
    call,
    async create(request = {}, user = 'ann') {
      const body = { createId: randomUUID(), name: 'file.bin', sizeBytes: 1, ...request };
      const { status, text } = await call('POST', '/v1/uploads', { body, user });
      if (status !== 201) throw new Error(`create was answered ${status}: ${text}`);
      return JSON.parse(text) as CreateUploadResponse;
    },
    effects: async () => ({ rows: rowsIn(path), ...(await contentOf(client, bucket)) }),
    async close() {
      server.close();
      server.closeAllConnections();
      await memory.state.close();
      await memory.catalog.close();
      objectStore.close();
      client.destroy();
      await place.close();
      await rm(folder, { recursive: true });
    },
  };
}

function rowsIn(path: string): Record<string, number> {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    const counts = database
      .prepare('SELECT upload_state AS state, count(*) AS count FROM nodes GROUP BY upload_state')
      .all() as { state: string; count: number }[];
    return Object.fromEntries(counts.map(({ state, count }) => [state, count]));
  } finally {
    database.close();
  }
}

async function callAt(url: string, method: string, sent: Sent = {}): Promise<Heard> {
  const { body, raw, token, user, headers } = sent;
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { [TOKEN_HEADER]: token }),
      ...(user !== undefined && { 'x-user': user }),
      ...headers,
    },
    ...(content !== undefined && { body: typeof content === 'string' ? content : Buffer.from(content) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    get problem() {
      return JSON.parse(text) as Problem;
    },
  };
}
