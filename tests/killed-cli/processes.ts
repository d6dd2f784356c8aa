import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreAddress } from './bucket.ts';

const ROOT = join(import.meta.dirname, '../..');
const COORDINATOR = join(ROOT, 'packages/coordinator/src/main.ts');
const CLI = join(ROOT, 'packages/sdk/src/cli.ts');
const STARTS_WITHIN_MS = 30_000;

/** A coordinator as a person starts it who has one machine: everything that it remembers is in one file. */
export interface ServingCoordinator {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts it; `publicEndpoint` is where its clients find the store. */
export async function serveCoordinator(
  { endpoint, credentials }: StoreAddress,
  where: { readonly bucket: string; readonly publicEndpoint: string; readonly folder: string },
): Promise<ServingCoordinator> {
  const child = spawn(process.execPath, [COORDINATOR, 'serve'], {
    cwd: where.folder,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      NODE_NO_WARNINGS: '1',
      S3_BUCKET: where.bucket,
      S3_ENDPOINT: endpoint,
      S3_PUBLIC_ENDPOINT: where.publicEndpoint,
      S3_PROFILE: 'versitygw',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      LONGHAUL_PORT: '0',
    },
  });
  const said = listenTo(child);
  const deadlineMs = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const url = /listens on (\S+),/.exec(said.text)?.[1];
    if (url !== undefined) return { url, stop: () => stop(child) };
    if (child.exitCode !== null || performance.now() > deadlineMs) {
      child.kill('SIGKILL');
      throw new Error(`the coordinator does not serve: ${said.text}`);
    }
    await sleep(20);
  }
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null) await once(child, 'exit');
}

/** What became of a run of the command line. */
export interface CliRun {
  /** It was killed before it had come to its end. */
  readonly isKilled: boolean;
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly text: string;
}

/** Runs the command line, and kills it after so many milliseconds if any are named. */
export async function runCli(
  args: readonly string[],
  stateFolder: string,
  killAfterMs?: number,
): Promise<CliRun> {
  const child = spawn(process.execPath, [CLI, ...args], {
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      NODE_NO_WARNINGS: '1',
      XDG_STATE_HOME: stateFolder,
    },
    ...(killAfterMs !== undefined && { timeout: killAfterMs, killSignal: 'SIGKILL' }),
  });
  const said = listenTo(child);
  const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { isKilled: signal === 'SIGKILL', exitCode, stdout: said.stdout, text: said.text };
}

function listenTo(child: ChildProcess): { text: string; stdout: string } {
  const said = { text: '', stdout: '' };
  child.stdout?.on('data', (chunk) => (said.stdout += String(chunk)));
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk) => (said.text += String(chunk)));
  return said;
}
