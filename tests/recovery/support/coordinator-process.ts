import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Addresses } from './ports.ts';

const MAIN = join(import.meta.dirname, '../../../packages/coordinator/src/main.ts');

const STARTS_WITHIN_MS = 30_000;

/** `longhaul-coordinator serve` as an operator runs it, wired by itself. */
export interface CoordinatorProcess {
  readonly url: string;
  /** What it said on its standard error. */
  readonly complaints: string;
  stop(): Promise<void>;
}

export async function startCoordinatorProcess(addresses: Addresses): Promise<CoordinatorProcess> {
  const { store, kafka, databaseUrl, redisUrl } = addresses;
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    env: {
      PATH: process.env['PATH'],
      NODE_NO_WARNINGS: '1',
      S3_BUCKET: store.bucket,
      S3_ENDPOINT: store.endpoint,
      S3_PROFILE: store.profile,
      AWS_ACCESS_KEY_ID: store.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: store.credentials.secretAccessKey,
      LONGHAUL_PORT: '0',
      LONGHAUL_DATABASE_URL: databaseUrl,
      LONGHAUL_REDIS_URL: redisUrl,
      LONGHAUL_KAFKA_BROKERS: kafka.brokers,
      LONGHAUL_KAFKA_TOPIC: kafka.topic,
      LONGHAUL_TOKEN_KEYS: 'a key for tests that is long enough',
      LONGHAUL_SWEEP_EVERY_SECONDS: '1',
      LONGHAUL_COMPLETION_REDRIVE_AFTER_SECONDS: '1',
    },
  });
  let said = '';
  let complaints = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  child.stderr.on('data', (chunk) => (complaints += String(chunk)));
  const deadline = performance.now() + STARTS_WITHIN_MS;
  let url: string | undefined;
  while ((url = /listens on (\S+),/.exec(said + complaints)?.[1]) === undefined) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`the coordinator does not serve: ${complaints}`);
    }
    await sleep(20);
  }
  return {
    url,
    get complaints() {
      return complaints;
    },
    async stop() {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}
