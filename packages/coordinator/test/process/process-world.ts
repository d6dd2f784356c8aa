import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { createLocalS3, type Listening } from '@longhaul/local-s3';
import type { CreateUploadResponse } from '@longhaul/protocol';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

export const BUCKET = 'uploads';
export const credentials = { accessKeyId: 'test', secretAccessKey: 'canary-secret-access-key' };

/** An inline upload, which is complete at once: `COMPLETED`, with one event. */
export async function uploadInline(url: string): Promise<CreateUploadResponse> {
  const response = await fetch(`${url}/v1/uploads`, {
    method: 'POST',
    body: JSON.stringify({ createId: randomUUID(), name: 'film.mkv', sizeBytes: 1, payload: 'eA==' }),
  });
  expect(response.status).toBe(201);
  return (await response.json()) as CreateUploadResponse;
}

/** A folder, a local store, and real processes of `longhaul-coordinator` between them. */
export interface ProcessWorld {
  /** Where the processes run, and where their SQLite file is. */
  readonly folder: string;
  readonly store: Listening;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): CoordinatorProcess;
  /** Kills what still runs, and removes everything. */
  close(): Promise<void>;
}

/** A running `longhaul-coordinator`. */
export interface CoordinatorProcess {
  readonly child: ChildProcess;
  /** What it has said so far; both streams, in any order. */
  readonly said: { readonly text: string; readonly stdout: string; readonly stderr: string };
  /** Its exit status. */
  readonly ended: Promise<number>;
  /** Its address, once it serves. */
  listening(): Promise<string>;
}

export async function openWorld(): Promise<ProcessWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-process-'));
  const store = await createLocalS3({
    storage: { kind: 'memory' },
    credentials,
    buckets: [BUCKET],
  }).listen();
  const children: ChildProcess[] = [];
  return {
    folder,
    store,
    run(args, env = {}) {
      const child = spawn(process.execPath, [MAIN, ...args], {
        cwd: folder,
        env: {
          PATH: process.env['PATH'] ?? '',
          NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
          S3_BUCKET: BUCKET,
          S3_ENDPOINT: store.url,
          S3_PROFILE: 'local-s3',
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          LONGHAUL_PORT: '0',
          ...env,
        },
      });
      children.push(child);
      return follow(child);
    },
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
}

function follow(child: ChildProcess): CoordinatorProcess {
  const said = { text: '', stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk) => {
      said[name] += String(chunk);
      said.text += String(chunk);
    });
  }
  return {
    child,
    said,
    ended: once(child, 'close').then(([code]) => code as number),
    async listening() {
      await expect.poll(() => said.text, { timeout: 20_000 }).toMatch(/listens on (\S+),/);
      return /listens on (\S+),/.exec(said.text)?.[1] ?? '';
    },
  };
}
