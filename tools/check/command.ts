import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { endWithUs } from './leave-nothing.ts';
import { ROOT } from './workspace.ts';

/** What a program said and how it ended. */
export interface CommandOutcome {
  readonly exitCode: number;
  /** Only what it wrote to stdout. */
  readonly stdout: string;
  /** stdout and stderr in the order they came. */
  readonly output: string;
}

/** A check did not hold. The message is what the reader needs to mend it. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';
}

const environment = {
  ...process.env,
  PATH: [join(ROOT, 'node_modules', '.bin'), process.env['PATH']].join(delimiter),
  FORCE_COLOR: undefined,
  NO_COLOR: '1',
};

/** Runs a program to its end, whatever that is. */
export async function outcomeOf(
  command: string,
  args: readonly string[],
  cwd: string = ROOT,
): Promise<CommandOutcome> {
  const child = spawn(command, args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  endWithUs(child);
  const stdout: Buffer[] = [];
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout.push(chunk);
    output.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  });
  return { exitCode, stdout: Buffer.concat(stdout).toString(), output: Buffer.concat(output).toString() };
}

/**
 * Runs a program that must succeed and answers its stdout.
 *
 * @throws CheckFailure with all it wrote if it does not
 */
export async function mustRun(command: string, args: readonly string[], cwd: string = ROOT): Promise<string> {
  const { exitCode, stdout, output } = await outcomeOf(command, args, cwd);
  if (exitCode !== 0) throw new CheckFailure(`$ ${command} ${args.join(' ')}\n${output.trimEnd()}`);
  return stdout;
}

/** Runs pnpm: the one that runs this script, else the one that npx brings. */
export async function mustRunPnpm(args: readonly string[], cwd: string = ROOT): Promise<string> {
  const running = process.env['npm_execpath'];
  if (running && /pnpm[^/\\]*$/.test(running)) {
    return /\.[cm]?js$/.test(running)
      ? await mustRun(process.execPath, [running, ...args], cwd)
      : await mustRun(running, args, cwd);
  }
  return await mustRun('npx', ['--yes', 'pnpm@12', ...args], cwd);
}
