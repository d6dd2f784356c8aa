import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How an upload went: its seconds, or why there are none. */
export type Outcome = { readonly seconds: number } | { readonly failure: string };

/** Runs a command that uploads once and prints its cost. Never rejects: that a client gave up is a result. */
export async function runClient(
  words: readonly string[],
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Outcome> {
  const [command = '', ...args] = words;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const end = (): void => void child.kill();
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener('abort', end);
  try {
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return JSON.parse(stdout) as { seconds: number };
    if (code === null || code === 143) return { failure: `not done after ${Math.round(timeoutMs / 1000)} s` };
    return { failure: reasonIn(stderr) };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', end);
  }
}

/** The line that names the error, of all that a runtime prints of one. */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split('\n');
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1) ?? 'it said nothing').slice(0, 120);
}
