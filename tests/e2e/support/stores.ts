import { randomUUID } from 'node:crypto';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type CORSRule,
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { ObjectStore, StoreProfile } from '@longhaul/coordinator';
import {
  cephRadosgw16Profile,
  createS3ObjectStore,
  localS3Profile,
  minioProfile,
  versitygwProfile,
} from '@longhaul/coordinator/s3-object-store';
import { createLocalS3 } from '@longhaul/local-s3';

/** A bucket of its own on one of the stores that the tests know. */
export interface TestStore {
  readonly objectStore: ObjectStore;
  /** SHA-256 (hex) of what the store gives back; to whoever has the customer's key (base64), where there is one. */
  hashOf(key: string, customerKey?: string): Promise<string>;
  /** Whether the store gives the object back; to whoever has this key, or none. */
  canRead(key: string, customerKey?: string): Promise<boolean>;
  /** The bucket's owner, who looks at it behind everybody's back. */
  readonly owner: S3Client;
  /** Gives the bucket its one CORS rule. */
  setCors(rule: CORSRule): Promise<void>;
  close(): Promise<void>;
}

/** Puts something before a store: maps its address to another one. */
export type Publish = (endpoint: string) => Promise<string>;

export interface StoreKind {
  readonly name: string;
  /** Why it cannot be used here; `undefined` when it can. */
  readonly missing: string | undefined;
  /** `publish`: what the clients get for the store's address. */
  open(publish?: Publish): Promise<TestStore>;
}

/** The stores; the real ones at the addresses that tests/run.ts gives. */
export const STORES: readonly StoreKind[] = [
  { name: 'local-s3', missing: undefined, open: openLocal },
  remote('versitygw', 'VERSITYGW', versitygwProfile),
  remote('Ceph', 'CEPH', cephRadosgw16Profile),
];

/** The same Ceph over TLS, in a bucket that keeps no versions, and in one that does. */
export const CEPH_TLS: StoreKind = remote('Ceph over TLS', 'CEPH', cephRadosgw16Profile, { url: 'CEPH_TLS' });
export const CEPH_VERSIONED: StoreKind = remote(
  'Ceph over TLS, with versions',
  'CEPH',
  cephRadosgw16Profile,
  {
    url: 'CEPH_TLS',
    versioned: true,
  },
);

/** It speaks TLS only, so nothing can be put before it, and a bucket of it has no CORS rules. */
export const MINIO: StoreKind = remote('MinIO', 'MINIO', minioProfile);
export const MINIO_VERSIONED: StoreKind = remote('MinIO, with versions', 'MINIO', minioProfile, {
  versioned: true,
});
/** Whose objects may be locked, so they have versions. */
export const MINIO_LOCKING: StoreKind = remote('MinIO, with locks', 'MINIO', minioProfile, { locking: true });

interface Place {
  readonly endpoint: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly profile: StoreProfile;
  readonly publish?: Publish | undefined;
  readonly versioned?: boolean;
  readonly locking?: boolean;
}

function remote(
  name: string,
  variable: string,
  profile: StoreProfile,
  { url = variable, versioned = false, locking = false } = {},
): StoreKind {
  const endpoint = process.env[`LONGHAUL_TEST_${url}_URL`];
  const credentials = {
    accessKeyId: process.env[`LONGHAUL_TEST_${variable}_ACCESS_KEY_ID`] ?? '',
    secretAccessKey: process.env[`LONGHAUL_TEST_${variable}_SECRET_ACCESS_KEY`] ?? '',
  };
  return {
    name,
    missing: endpoint ? undefined : `needs LONGHAUL_TEST_${url}_URL`,
    open: (publish) =>
      openBucket({ endpoint: endpoint ?? '', credentials, profile, publish, versioned, locking }, () =>
        Promise.resolve(),
      ),
  };
}

async function openLocal(publish?: Publish): Promise<TestStore> {
  const path = await mkdtemp(join(tmpdir(), 'longhaul-e2e-'));
  const credentials = { accessKeyId: 'test', secretAccessKey: randomUUID() };
  const { url, close } = await createLocalS3({ storage: { kind: 'folder', path }, credentials }).listen();
  return await openBucket({ endpoint: url, credentials, profile: localS3Profile, publish }, async () => {
    await close();
    await rm(path, { recursive: true });
  });
}

async function openBucket(
  { profile, publish, versioned = false, locking = false, ...place }: Place,
  release: () => Promise<void>,
): Promise<TestStore> {
  const bucket = `e2e-${randomUUID()}`;
  const location = { ...place, region: 'us-east-1', forcePathStyle: true };
  const client = new S3Client(location);
  await client.send(
    new CreateBucketCommand({ Bucket: bucket, ...(locking && { ObjectLockEnabledForBucket: true }) }),
  );
  if (versioned) {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
  }
  const objectStore = createS3ObjectStore({
    ...location,
    bucket,
    profile,
    ...(publish && { publicEndpoint: await publish(place.endpoint) }),
  });
  // The SDK adds the MD5.
  const withKey = (customerKey: string | undefined) =>
    customerKey === undefined ? {} : { SSECustomerAlgorithm: 'AES256' as const, SSECustomerKey: customerKey };
  return {
    objectStore,
    owner: client,
    canRead: (key, customerKey) =>
      client.send(new HeadObjectCommand({ Bucket: bucket, Key: key, ...withKey(customerKey) })).then(
        () => true,
        () => false,
      ),
    async hashOf(key, customerKey) {
      const get = new GetObjectCommand({ Bucket: bucket, Key: key, ...withKey(customerKey) });
      const { Body } = await client.send(get);
      const hash = createHash('sha256');
      for await (const chunk of Body?.transformToWebStream() ?? []) hash.update(chunk as Uint8Array);
      return hash.digest('hex');
    },
    async setCors(rule) {
      await client.send(
        new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: [rule] } }),
      );
    },
    async close() {
      objectStore.close();
      client.destroy();
      await release();
    },
  };
}
