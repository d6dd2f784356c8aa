import { createHash, randomUUID } from 'node:crypto';
import { GetObjectCommand, type GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Hono } from 'hono';
import { createLocalS3, type LocalS3 } from '@longhaul/local-s3';
import {
  type CompleteRequest,
  type CompleteResponse,
  type CreateUploadRequest,
  type CreateUploadResponse,
  type Grant,
  type PartsRequest,
  type PartsResponse,
  partRange,
  type Problem,
  TOKEN_HEADER,
} from '@longhaul/protocol';
import { type CoordinatorOptions, createCoordinator, type ObjectStore } from '../../src/index.ts';
import { createS3ObjectStore, localS3Profile } from '../../src/s3-object-store.ts';
import { createSqliteStore } from '../../src/sqlite.ts';

const CREDENTIALS = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-key' };
const BUCKET = 'uploads';

/** A coordinator on SQLite in memory and a local store, and a client of a few lines to call it with. */
export interface TestCoordinator {
  readonly app: Hono;
  readonly store: LocalS3;
  readonly objectStore: ObjectStore;
  /** What it was made of, for the work that is done beside it. */
  readonly options: CoordinatorOptions;
  call<Answer>(method: string, path: string, options?: CallOptions): Promise<Answered<Answer>>;
  create(request?: Partial<CreateUploadRequest>): Promise<CreateUploadResponse>;
  parts(upload: CreateUploadResponse, request: Partial<PartsRequest>): Promise<Answered<PartsResponse>>;
  complete(upload: CreateUploadResponse, request?: CompleteRequest): Promise<Answered<CompleteResponse>>;
  cancel(upload: CreateUploadResponse): Promise<Answered<{ state: string }>>;
  /** The bytes at an upload's key; base64 of the customer's key, where there is one. */
  read(key: string, customerKey?: string): Promise<Uint8Array>;
  /** What the store tells of the object at a key. */
  get(key: string, customerKey?: string): Promise<GetObjectCommandOutput>;
  close(): Promise<void>;
}

export interface CallOptions {
  readonly body?: unknown;
  /** Sent as it is. */
  readonly text?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
}

export interface Answered<Answer> {
  readonly status: number;
  readonly headers: Headers;
  readonly answer: Answer;
  /** The same body, read as a refusal. */
  readonly problem: Problem;
}

export interface TestOptions extends Partial<CoordinatorOptions> {
  /** Stands between the coordinator and its store, to make it answer as no real store can be made to. */
  readonly wrapStore?: (objectStore: ObjectStore) => ObjectStore;
}

export async function startCoordinator({
  wrapStore,
  ...options
}: TestOptions = {}): Promise<TestCoordinator> {
  const store = createLocalS3({ storage: { kind: 'memory' }, credentials: CREDENTIALS, buckets: [BUCKET] });
  const listening = await store.listen();
  const objectStore = createS3ObjectStore({
    bucket: BUCKET,
    region: 'us-east-1',
    endpoint: listening.url,
    forcePathStyle: true,
    credentials: CREDENTIALS,
    profile: localS3Profile,
  });
  const client = new S3Client({
    region: 'us-east-1',
    endpoint: listening.url,
    forcePathStyle: true,
    credentials: CREDENTIALS,
  });
  const memory = createSqliteStore({ path: ':memory:' });
  await memory.catalog.migrate();
  const coordinatorOptions: CoordinatorOptions = {
    ...memory,
    objectStore: wrapStore?.(objectStore) ?? objectStore,
    tokenKeys: ['a key for tests that is long enough'],
    ...options,
  };
  const app = createCoordinator(coordinatorOptions);
  const get: TestCoordinator['get'] = async (key, customerKey) =>
    await client.send(
      new GetObjectCommand({
        Bucket: BUCKET,
        Key: key,
        // The SDK adds the MD5.
        ...(customerKey !== undefined && { SSECustomerAlgorithm: 'AES256', SSECustomerKey: customerKey }),
      }),
    );
  const call = async <Answer>(
    method: string,
    path: string,
    request: CallOptions = {},
  ): Promise<Answered<Answer>> => {
    const response = await app.request(`http://localhost${path}`, {
      method,
      headers: { ...(request.token !== undefined && { [TOKEN_HEADER]: request.token }), ...request.headers },
      body: request.text ?? (request.body === undefined ? null : JSON.stringify(request.body)),
    });
    const body: unknown = await response.json();
    return {
      status: response.status,
      headers: response.headers,
      answer: body as Answer,
      problem: body as Problem,
    };
  };
  return {
    app,
    store,
    objectStore,
    options: coordinatorOptions,
    get,
    call,
    async create(request = {}) {
      const body = { createId: randomUUID(), name: 'file.bin', sizeBytes: 1, ...request };
      const { answer, status } = await call<CreateUploadResponse>('POST', '/v1/uploads', { body });
      if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(answer)}`);
      return answer;
    },
    parts: ({ uploadId, token }, request) =>
      call('POST', `/v1/uploads/${uploadId}/parts`, { token, body: { report: [], sign: [], ...request } }),
    complete: ({ uploadId, token }, body) =>
      call('POST', `/v1/uploads/${uploadId}/complete`, { token, ...(body && { body }) }),
    cancel: ({ uploadId, token }) => call('DELETE', `/v1/uploads/${uploadId}`, { token }),
    async read(key, customerKey) {
      const { Body } = await get(key, customerKey);
      return (await Body?.transformToByteArray()) ?? new Uint8Array();
    },
    async close() {
      client.destroy();
      await memory.state.close();
      await memory.catalog.close();
      await listening.close();
    },
  };
}

/** Sends bytes to a presigned URL. */
export async function put(
  grant: Grant,
  body: Uint8Array,
  headers: Record<string, string> = {},
): Promise<Response> {
  return await fetch(grant.url, {
    method: 'PUT',
    headers: { ...grant.headers, ...headers },
    body: Buffer.from(body),
  });
}

/** Sends every part of an upload for which it has a grant, and reports it. */
export async function sendParts(
  coordinator: TestCoordinator,
  upload: CreateUploadResponse,
  content: Uint8Array,
  grants: readonly Grant[] = upload.grants,
): Promise<void> {
  for (const grant of grants) {
    const { partNumber, offsetBytes, sizeBytes } = partRange(upload.plan, grant.partNumber);
    const response = await put(grant, content.subarray(offsetBytes, offsetBytes + sizeBytes));
    const etag = response.headers.get('etag');
    if (!response.ok || etag === null)
      throw new Error(`PUT of part ${partNumber} answered ${response.status}`);
    const { status } = await coordinator.parts(upload, { report: [{ partNumber, sizeBytes, etag }] });
    if (status !== 200) throw new Error(`report of part ${partNumber} answered ${status}`);
  }
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
