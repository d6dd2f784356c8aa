import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalGroup, type Account } from './command.ts';
import type { Guardian } from './guardian.ts';

/** How to start a server in the foreground of its own process group. */
export interface DaemonOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly guardian: Guardian;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly account?: Account | undefined;
  /** What asks the server to end in good order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take to end before it is killed. Default 8 s. */
  readonly graceMs?: number;
}

/** A server process. */
export interface Daemon {
  /** Rejects, with the end of the log, when the process ends before it was asked to. Never resolves. */
  readonly died: Promise<never>;
  readonly stop: () => Promise<void>;
}

/** Starts a server; its output goes to `logFile`. Rejects when the program cannot be run. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { command, args, logFile, guardian, env, cwd, account } = options;
  const { stopSignal = 'SIGTERM', graceMs = 8_000 } = options;
  const log = await open(logFile, 'a');
  const child = spawn(command, args, {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    ...(env === undefined ? {} : { env }),
    ...(cwd === undefined ? {} : { cwd }),
    ...account,
  });
  // Before the first await: a program with a mistake in its arguments is over in a millisecond.
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  try {
    await once(child, 'spawn');
  } finally {
    await log.close();
  }
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${command} has no process id`);
  const watched = { kind: 'group', pid, signal: stopSignal } as const;
  guardian.watch(watched);
  const died = exited.then(async (code) => {
    throw new Error(`${command} ended (${code ?? 'killed'}): ${await tailOf(logFile)}`);
  });
  // Whoever waits for readiness races with `died`; nobody listens once the server is up.
  died.catch(() => undefined);
  const stop = async (): Promise<void> => {
    signalGroup(pid, stopSignal);
    await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
    signalGroup(pid, 'SIGKILL');
    await exited;
    guardian.release(watched);
  };
  return { died, stop };
}

/** Rejects when the first of several daemons ends before it was asked to. */
export function firstDeath(daemons: readonly Daemon[]): Promise<never> {
  const death = Promise.race(daemons.map((daemon) => daemon.died));
  death.catch(() => undefined);
  return death;
}

async function tailOf(logFile: string): Promise<string> {
  const text = await readFile(logFile, 'utf8');
  return text.trim().split('\n').slice(-8).join('\n');
}
