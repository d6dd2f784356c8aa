import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const MAIN = join(import.meta.dirname, '../../packages/coordinator/src/main.ts');

const STARTS_WITHIN_MS = 30_000;

/** `longhaul-coordinator serve` as an operator runs it, wired by itself. */
export interface CoordinatorProcess {
  readonly url: string;
  readonly pid: number;
  /** What it said on its standard error. */
  readonly complaints: string;
  stop(): Promise<void>;
  /** Ends it as the machine would: nothing is flushed. */
  kill(): Promise<void>;
}

/**
 * Starts it on a port that is free, and resolves once it serves.
 *
 * @param cwd default: that of the test
 */
export async function serveCoordinator(
  env: Readonly<Record<string, string>>,
  cwd?: string,
): Promise<CoordinatorProcess> {
  const child = spawn(process.execPath, [MAIN, 'serve'], {
    cwd,
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      NODE_NO_WARNINGS: '1',
      LONGHAUL_PORT: '0',
      ...env,
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
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  };
  return {
    url,
    pid: child.pid ?? 0,
    get complaints() {
      return complaints;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}
