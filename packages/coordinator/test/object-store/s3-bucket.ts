import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type LifecycleRule as S3LifecycleRule,
  ListObjectVersionsCommand,
  paginateListObjectsV2,
  PutBucketLifecycleConfigurationCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Grant, ObjectOptions, StoreCall } from '@longhaul/protocol';
import type { ObjectStoreHarness, SendAnswer } from '../../src/lib/testing/object-store.contract.ts';
import type { StoreProfile } from '../../src/lib/ports/store-profile.ts';
import {
  awsProfile,
  createS3ObjectStore,
  type LifecycleRule,
  type S3Credentials,
  type S3ObjectStore,
} from '../../src/s3-object-store.ts';

/** A server that has not answered to half a body by then does not mean to. */
const CUT_ANSWER_MS = 2_000;

/** A server that speaks S3. */
export interface S3Server {
  readonly endpoint: string;
  readonly credentials: S3Credentials;
  readonly profile: StoreProfile;
  /** Key for `sse-kms`, where the store has none by itself. */
  readonly kmsKeyId?: string | undefined;
}

/** A bucket for the contract suites. */
export interface S3Bucket extends ObjectStoreHarness {
  readonly objectStore: S3ObjectStore;
  readonly trusting: S3ObjectStore;
  /** Gives the bucket lifecycle rules as its owner would. */
  putRules(rules: readonly LifecycleRule[]): Promise<void>;
}

/** Makes a bucket on a server and what the contract suites need to work with it. */
export async function openS3Bucket(
  { endpoint, credentials, profile, kmsKeyId }: S3Server,
  { versioned }: { readonly versioned: boolean },
): Promise<S3Bucket> {
  const bucket = `contract-${randomUUID()}`;
  const where = { endpoint, credentials, region: 'us-east-1', forcePathStyle: true };
  const client = new S3Client(where);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  if (versioned) await keepVersions(client, bucket);
  const objectStore = createS3ObjectStore({ ...where, bucket, profile });
  const trusting = createS3ObjectStore({ ...where, bucket, profile: { ...awsProfile, name: profile.name } });
  return {
    objectStore,
    trusting,
    send: sendGrant,
    sendCut,
    get: async ({ url, headers }, extraHeaders = {}) => {
      const response = await fetch(url, { headers: { ...headers, ...extraHeaders } });
      return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
    },
    begin: beginCall,
    optionsOf: async (key) => await optionsOf(client, { Bucket: bucket, Key: key }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    read: async (key, customerKey) => {
      const sseC = customerKey && {
        SSECustomerAlgorithm: 'AES256',
        SSECustomerKey: customerKey.key,
        SSECustomerKeyMD5: customerKey.md5,
      };
      const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...sseC }));
      return Body?.transformToByteArray() ?? new Uint8Array(0);
    },
    putRules: async (rules) => {
      // Only the members that the tests use are declared.
      const LifecycleConfiguration = { Rules: [...rules] as S3LifecycleRule[] };
      await client.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket: bucket, LifecycleConfiguration }),
      );
    },
    close: async () => {
      await abortAll(client, bucket);
      await (versioned ? emptyVersioned(client, bucket) : empty(client, bucket));
      await client.send(new DeleteBucketCommand({ Bucket: bucket }));
      for (const closable of [objectStore, trusting]) closable.close();
      client.destroy();
    },
  };
}

async function keepVersions(client: S3Client, bucket: string): Promise<void> {
  await client.send(
    new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
  );
}

async function beginCall(
  { method, url, headers }: StoreCall,
  extraHeaders: Readonly<Record<string, string>>,
): Promise<string> {
  const response = await fetch(url, { method, headers: { ...headers, ...extraHeaders } });
  const s3UploadId = /<UploadId>([^<]+)</.exec(await response.text())?.[1];
  if (s3UploadId === undefined) throw new Error(`CreateMultipartUpload answered ${response.status}`);
  return s3UploadId;
}

async function optionsOf(
  client: S3Client,
  object: { readonly Bucket: string; readonly Key: string },
): Promise<ObjectOptions> {
  const head = await client.send(new HeadObjectCommand(object));
  const tags = await client.send(new GetObjectTaggingCommand(object)).then(
    ({ TagSet = [] }) => Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value])),
    () => undefined,
  );
  const { StorageClass, CacheControl, ContentDisposition, ContentEncoding } = head;
  return {
    ...(tags && { tags }),
    ...(StorageClass !== undefined && { storageClass: StorageClass }),
    ...(CacheControl !== undefined && { cacheControl: CacheControl }),
    ...(ContentDisposition !== undefined && { contentDisposition: ContentDisposition }),
    ...(ContentEncoding !== undefined && { contentEncoding: ContentEncoding }),
  };
}

async function sendGrant(
  grant: Grant,
  body: Uint8Array,
  extraHeaders: Readonly<Record<string, string>> = {},
): Promise<SendAnswer> {
  const response = await fetch(grant.url, {
    method: 'PUT',
    headers: { ...grant.headers, ...extraHeaders },
    body: new Uint8Array(body),
  });
  const s3Code = /<Code>([^<]+)<\/Code>/.exec(await response.text())?.[1];
  const etag = response.headers.get('etag');
  return { status: response.status, ...(etag !== null && { etag }), ...(s3Code !== undefined && { s3Code }) };
}

/** By hand: no client library lets go of a request so that its server cannot tell the end of the body from a cut. */
async function sendCut({ url, headers }: Grant, body: Uint8Array): Promise<void> {
  const { protocol, hostname, port, host, pathname, search } = new URL(url);
  const lines = Object.entries({ ...headers, host, 'content-length': body.byteLength });
  const socket = protocol === 'https:' ? connectTls(Number(port), hostname) : connect(Number(port), hostname);
  socket.on('error', () => {});
  socket.write(
    `PUT ${pathname}${search} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
  );
  socket.write(body.subarray(0, body.byteLength / 2));
  // Its side of the connection is over, ours still listens: some servers have an answer to this.
  socket.end();
  socket.resume();
  await Promise.race([once(socket, 'close'), sleep(CUT_ANSWER_MS)]);
  socket.destroy();
}

async function empty(client: S3Client, bucket: string): Promise<void> {
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket })) {
    for (const { Key } of page.Contents ?? []) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    }
  }
}

async function emptyVersioned(client: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }));
    const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    if (versions.length === 0) return;
    for (const { Key, VersionId } of versions) {
      await client.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));
    }
  }
}

async function abortAll(client: S3Client, bucket: string): Promise<void> {
  for (;;) {
    // The first page again and again: not every server can go on after it.
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    if (Uploads.length === 0) return;
    for (let start = 0; start < Uploads.length; start += 32) {
      const batch = Uploads.slice(start, start + 32);
      await Promise.all(
        batch.map(({ Key, UploadId }) =>
          client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId })),
        ),
      );
    }
  }
}
