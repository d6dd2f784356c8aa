import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** What a finished command left behind. `code` is null when a signal or a missing program ended it. */
export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a command. */
export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Account to run as; only root can choose one. */
  readonly account?: Account | undefined;
  /** Told the process group of the command; what it returns is called when the command is over. */
  readonly watchGroup?: (pid: number) => () => void;
}

/** A Unix account by its numbers. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Runs a command to its end in a process group of its own and collects what it prints.
 * Never rejects: a program that cannot be started has code null and the reason in `stderr`.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const { timeoutMs = 60_000, signal, cwd, env, account, watchGroup } = options;
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env }),
      ...account,
    });
    const release = child.pid === undefined ? undefined : watchGroup?.(child.pid);
    let stdout = '';
    let stderr = '';
    const end = (code: number | null, note = ''): void => {
      limit.removeEventListener('abort', kill);
      release?.();
      resolve({ code, stdout, stderr: stderr + note });
    };
    const kill = (): void => {
      stderr += signal?.aborted === true ? '\ninterrupted' : `\nstopped after ${timeoutMs / 1000} s`;
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', (error) => end(null, error.message));
    child.on('close', (code) => end(code));
    limit.addEventListener('abort', kill, { once: true });
    if (limit.aborted) kill();
  });
}

/** Runs a command and returns what it printed on stdout. Rejects with its last words when it fails. */
export async function runOrThrow(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await runCommand(command, args, options);
  if (result.code === 0) return result.stdout;
  throw new Error(
    `${command} ${args.slice(0, 3).join(' ')} failed (${result.code ?? 'killed'}): ${lastLines(result)}`,
  );
}

/** The end of what a command said: stderr if it said anything there, else stdout. */
export function lastLines({ stdout, stderr }: Pick<CommandResult, 'stdout' | 'stderr'>, count = 6): string {
  const text = stderr.trim() === '' ? stdout : stderr;
  return text.trim().split('\n').slice(-count).join('\n');
}

/** The first of `names` that is an executable file in PATH or in one of `folders`. */
export async function findProgram(
  names: readonly string[],
  folders: readonly string[] = [],
): Promise<string | undefined> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of names) {
    for (const folder of [...path, ...folders]) {
      const file = join(folder, name);
      if (await isExecutable(file)) return file;
    }
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Sends a signal to a whole process group; false when the group is gone. */
export function signalGroup(groupId: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-groupId, signal);
    return true;
  } catch {
    return false;
  }
}
