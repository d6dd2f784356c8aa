import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** What came of a process, and the most memory that it had at once. */
export interface Watched {
  readonly status: number | null;
  readonly stdout: string;
  readonly seconds: number;
  /** `VmHWM` of this process alone. */
  readonly peakRssMiB: number;
}

const LOOK_EVERY_MS = 20;

/**
 * Runs a command and watches its memory from outside, so that nothing of the watching is in it. The kernel keeps the
 * highest value itself: only what it gained in its last milliseconds could be missed.
 *
 * @param input a FIFO, or any other file, that becomes its standard input
 */
export async function watchMemory(command: readonly string[], input = '/dev/null'): Promise<Watched> {
  const startMs = performance.now();
  // The shell opens the FIFO, which waits for its writer, and becomes the command: one process, one number.
  const child = spawn('sh', ['-c', 'exec "$@" <"$0"', input, ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const stdout = textOf(child);
  let peakRssMiB = 0;
  while (child.exitCode === null && child.signalCode === null) {
    peakRssMiB = Math.max(peakRssMiB, await peakOf(child.pid));
    await sleep(LOOK_EVERY_MS);
  }
  const [status] = await closed;
  return { status, stdout: await stdout, seconds: (performance.now() - startMs) / 1000, peakRssMiB };
}

/** A process that has just ended has no memory to tell of. */
async function peakOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
}

async function textOf({ stdout }: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of stdout ?? []) text += String(chunk);
  return text;
}
