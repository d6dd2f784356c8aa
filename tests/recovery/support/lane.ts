import { createHash, randomUUID } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import postgres, { type Sql } from 'postgres';
import { type Message, openTopic } from '../../services/kafka-topic.ts';
import { type Addresses, openObjectStore, type Ports, type StoreAddress } from './ports.ts';

/** The servers that a lane is on. */
export interface Servers {
  readonly postgresUrl: string;
  readonly redisUrl: string;
  readonly kafkaBrokers: string;
  readonly store: Omit<StoreAddress, 'bucket'>;
}

/** A database, a bucket and a topic of its own, looked at behind the replicas' backs. */
export interface Lane {
  readonly addresses: Addresses;
  readonly sql: Sql;
  readonly s3: S3Client;
  readonly objectStore: Ports['objectStore'];
  /** SHA-256 (hex) of the bytes at a key, to whoever has the customer's key of it; `undefined` when nothing is there. */
  hashOf(key: string, customerKey?: string): Promise<string | undefined>;
  /** Keys of all objects that begin so. */
  keysUnder(prefix: string): Promise<readonly string[]>;
  /** Everything that has arrived on the topic, repetitions included. */
  messages(): Promise<readonly Message[]>;
  close(): Promise<void>;
}

export async function openLane(servers: Servers): Promise<Lane> {
  const name = `recovery_${randomUUID().replaceAll('-', '')}`;
  const admin = postgres(servers.postgresUrl, { max: 1, onnotice: () => undefined });
  await admin.unsafe(`create database ${name}`);
  const databaseUrl = Object.assign(new URL(servers.postgresUrl), { pathname: `/${name}` }).href;
  const store = { ...servers.store, bucket: name.replaceAll('_', '-') };
  const { endpoint, credentials, bucket } = store;
  const s3 = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  const topic = await openTopic(servers.kafkaBrokers);
  const kafka = { brokers: servers.kafkaBrokers, topic: topic.name };
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => undefined });
  const objectStore = openObjectStore(store);
  return {
    addresses: { databaseUrl, redisUrl: servers.redisUrl, kafka, store },
    sql,
    s3,
    objectStore,
    hashOf: (key, customerKey) => hashOf(s3, { bucket, key, customerKey }),
    async keysUnder(prefix) {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return Contents.flatMap(({ Key }) => Key ?? []);
    },
    messages: () => topic.read(),
    async close() {
      objectStore.close();
      s3.destroy();
      await topic.close();
      await sql.end();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.end();
    },
  };
}

async function hashOf(
  s3: S3Client,
  { bucket, key, customerKey }: { bucket: string; key: string; customerKey: string | undefined },
): Promise<string | undefined> {
  // The SDK adds the MD5.
  const sseC = customerKey !== undefined && {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: customerKey,
  };
  try {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key, ...sseC }));
    const hash = createHash('sha256');
    for await (const chunk of Body?.transformToWebStream() ?? []) hash.update(chunk as Uint8Array);
    return hash.digest('hex');
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchKey') return undefined;
    throw error;
  }
}
