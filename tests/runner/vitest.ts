import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { signalGroup } from '../services/command.ts';
import type { RunningServices } from '../services/run-services.ts';
import type { Wish } from './arguments.ts';
import { countTests, type Counts } from './counts.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const GRACE_MS = 5_000;

/** How vitest ended. */
export interface VitestResult {
  readonly counts: Counts;
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
}

/** Runs vitest with the services' addresses in its environment. Its output goes where ours goes. */
export async function runVitest(
  wish: Extract<Wish, { kind: 'run' }>,
  { env, run, signal }: RunningServices,
): Promise<VitestResult> {
  const reportFile = join(run.folder, 'vitest.json');
  const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, ...vitestArgs(wish, reportFile)], {
    cwd: REPOSITORY,
    // Hundreds of programs are started from the same sources: half of what that costs is to read them.
    env: { ...process.env, NODE_COMPILE_CACHE: join(run.folder, 'compile-cache'), ...env },
    // A group of its own, so that its workers end with it.
    detached: true,
    stdio: ['ignore', wish.json ? 2 : 'inherit', 'inherit'],
  });
  const { pid } = child;
  const watched = pid === undefined ? undefined : ({ kind: 'group', pid, signal: 'SIGTERM' } as const);
  if (watched !== undefined) run.guardian.watch(watched);
  const stop = (): void => {
    if (pid === undefined) return;
    signalGroup(pid, 'SIGTERM');
    setTimeout(() => signalGroup(pid, 'SIGKILL'), GRACE_MS).unref();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  signal.removeEventListener('abort', stop);
  if (pid !== undefined) signalGroup(pid, 'SIGKILL');
  if (watched !== undefined) run.guardian.release(watched);
  return { counts: await readCounts(reportFile), exitCode };
}

function vitestArgs({ only, filters }: Extract<Wish, { kind: 'run' }>, reportFile: string): string[] {
  return [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${reportFile}`,
    ...(only === undefined ? [] : ['--project', only]),
    ...filters,
  ];
}

async function readCounts(reportFile: string): Promise<Counts> {
  try {
    return countTests(await readFile(reportFile, 'utf8'));
  } catch (error) {
    // Vitest writes no report when it finds no file, or when it is killed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { passed: 0, failed: 0, skipped: 0 };
    throw error;
  }
}
