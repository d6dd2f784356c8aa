import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres, { type Sql } from 'postgres';
import { localS3Profile } from '@longhaul/coordinator/s3-object-store';
import { createLocalS3 } from '@longhaul/local-s3';
import { findProgram } from '../services/command.ts';
import { findFreePort } from '../services/free-port.ts';
import { openTopic, type Topic } from '../services/kafka-topic.ts';
import { REDIS_PROGRAMS, redisArgs } from '../services/redis-server.ts';
import { openPrograms, type Programs } from './programs.ts';
import { API_KEYS, SECRETS } from './secrets.ts';
import { openStoreDoor, type StoreDoor } from './store-door.ts';

/** Real servers that are reached by canary secrets only, and programs that know these. */
export interface CanaryWorld {
  readonly folder: string;
  readonly programs: Programs;
  readonly store: StoreDoor;
  readonly sql: Sql;
  readonly topic: Topic;
  /** What the receiver of webhooks was sent, headers included. */
  readonly heard: readonly string[];
  readonly redisUrl: string;
  /** What every coordinator reads. */
  readonly env: Readonly<Record<string, string>>;
  stopRedis(): Promise<void>;
  close(): Promise<void>;
}

const { LONGHAUL_TEST_POSTGRES_URL: postgresUrl = '', LONGHAUL_TEST_KAFKA_BROKERS: brokers = '' } =
  process.env;

export async function openCanaryWorld(): Promise<CanaryWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-canary-'));
  await writeFile(join(folder, 'api-keys'), API_KEYS);
  const profileFile = join(folder, 'profile.json');
  await writeFile(profileFile, JSON.stringify({ ...localS3Profile, ssecCopy: false }));
  const credentials = { accessKeyId: 'canary-access-key-id', secretAccessKey: SECRETS.s3Secret };
  const store = await openStoreDoor(
    createLocalS3({ storage: { kind: 'memory' }, credentials, buckets: ['uploads'] }),
  );
  const [database, redis, receiver, topic] = await Promise.all([
    openDatabase(),
    openRedis(),
    openReceiver(),
    openTopic(brokers),
  ]);
  const programs = openPrograms(folder);
  return {
    folder,
    programs,
    store,
    sql: database.sql,
    topic,
    heard: receiver.heard,
    redisUrl: redis.url,
    stopRedis: redis.stop,
    env: {
      S3_BUCKET: 'uploads',
      S3_ENDPOINT: store.url,
      S3_PROFILE_FILE: profileFile,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: SECRETS.s3Secret,
      LONGHAUL_PORT: '0',
      LONGHAUL_DATABASE_URL: database.url,
      LONGHAUL_REDIS_URL: redis.url,
      LONGHAUL_TOKEN_KEYS: `${SECRETS.tokenKey},${SECRETS.oldTokenKey}`,
      LONGHAUL_KAFKA_BROKERS: brokers,
      LONGHAUL_KAFKA_TOPIC: topic.name,
      LONGHAUL_WEBHOOK_URL: receiver.url,
      LONGHAUL_WEBHOOK_SECRET: SECRETS.webhookSecret,
      LONGHAUL_API_KEYS_FILE: join(folder, 'api-keys'),
      LONGHAUL_METRICS_PORT: '0',
      LONGHAUL_METRICS_TOKEN: SECRETS.metricsToken,
      LONGHAUL_KEY_VAULT: 'envelope',
      LONGHAUL_MASTER_KEYS: `first:${SECRETS.masterKey}`,
      LONGHAUL_LOG_LEVEL: 'debug',
      LONGHAUL_SWEEP_EVERY_SECONDS: '1',
    },
    async close() {
      programs.close();
      await redis.stop();
      await Promise.all([store.close(), receiver.close(), topic.close(), database.drop()]);
      await rm(folder, { recursive: true });
    },
  };
}

async function openDatabase(): Promise<{ url: string; sql: Sql; drop(): Promise<void> }> {
  const name = `canary_${randomUUID().replaceAll('-', '')}`;
  const admin = postgres(postgresUrl, { max: 1, onnotice: () => undefined });
  await admin.unsafe(
    `create role ${name} login password '${SECRETS.databasePassword.replaceAll("'", "''")}'`,
  );
  await admin.unsafe(`create database ${name} owner ${name}`);
  const url = new URL(postgresUrl);
  url.username = name;
  url.password = encodeURIComponent(SECRETS.databasePassword);
  url.pathname = `/${name}`;
  const sql = postgres(url.href, { max: 1, onnotice: () => undefined });
  return {
    url: url.href,
    sql,
    async drop() {
      await sql.end();
      await admin.unsafe(`drop database ${name} with (force)`);
      await admin.unsafe(`drop role ${name}`);
      await admin.end();
    },
  };
}

async function openRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const program = await findProgram(REDIS_PROGRAMS);
  if (program === undefined) throw new Error('redis-server is not on PATH');
  const port = await findFreePort();
  const password = ['--requirepass', SECRETS.redisPassword];
  const child = spawn(program, [...redisArgs(port, '127.0.0.1'), ...password], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept')) break;
  return {
    url: `redis://:${encodeURIComponent(SECRETS.redisPassword)}@127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}

async function openReceiver(): Promise<{ url: string; heard: string[]; close(): Promise<void> }> {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      heard.push(`${JSON.stringify(request.headers)}\n${Buffer.concat(chunks).toString()}`);
      // The first is refused, as a receiver with a mistake refuses.
      response.writeHead(heard.length === 1 ? 500 : 204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    heard,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
