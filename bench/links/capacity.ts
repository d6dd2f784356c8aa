import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendProcess } from './backend-process.ts';
import type { Link } from './link.ts';

/** What a link was seen to carry, in Mbit/s of bodies. */
export interface Capacity {
  /** By four `curl`s. */
  readonly mbitOf4: number;
  /** By sixteen, which fill what four may not: one connection carries at most what its sender may have on its way. */
  readonly mbitOf16: number;
}

/** Until the senders have found their pace. */
const RAMP_UP_MS = 3_000;
// What comes after a gap was sent before: over a short time more would seem to arrive than the line carries.
const WINDOW_MS = 12_000;

/** What `curl`s carry once they have found their pace. */
export async function measureCapacity(
  { link, backend }: { readonly link: Link; readonly backend: BackendProcess },
  file: string,
  signal: AbortSignal,
): Promise<Capacity> {
  const measure = async (connections: number): Promise<number> => {
    const curls = Array.from({ length: connections }, (_, index) =>
      startCurl(link, file, `${backend.address.endpoint}/bench/curl-${index}`),
    );
    try {
      await sleep(RAMP_UP_MS, undefined, { signal });
      const before = await bytesSoFar(backend);
      await sleep(WINDOW_MS, undefined, { signal });
      const after = await bytesSoFar(backend);
      const mbit = ((after.bytes - before.bytes) * 8) / 1e6;
      return mbit / ((after.atMs - before.atMs) / 1000);
    } finally {
      for (const curl of curls) curl.kill();
      await Promise.all(curls.map(ended));
      // The kernel would go on sending what they have left to it.
      await backend.dropConnections();
    }
  };
  return { mbitOf4: await measure(4), mbitOf16: await measure(16) };
}

function startCurl(link: Link, file: string, url: string): ChildProcess {
  const options = ['--silent', '--header', 'Expect:', '--upload-file', file, url];
  const [command, ...words] = [...link.near, 'curl', ...options];
  return spawn(command, words, { stdio: 'ignore' });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

async function bytesSoFar(backend: BackendProcess): Promise<{ bytes: number; atMs: number }> {
  const { bytes } = await backend.tally();
  return { bytes, atMs: performance.now() };
}
