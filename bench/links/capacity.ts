import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BackendProcess } from './backend-process.ts';
import type { Link, LinkSpec } from './link.ts';

/** What a link was seen to carry. */
export interface Capacity {
  readonly mbitPerSecond: number;
  /** Of so many `curl`s at once. */
  readonly connections: number;
}

/** Until the senders have found their pace. */
const RAMP_UP_MS = 3_000;
const WINDOW_MS = 5_000;
/** Until what is still on its way when they end has arrived. */
const DRAIN_MS = 2_000;
/** Headers of TCP and IP take their share of a line. */
const SHARE_OF_BODIES = 1448 / 1500;
const FULL = 0.95;

/**
 * What four `curl`s carry once they have found their pace, in Mbit/s of bodies. One connection carries at most what its
 * sender may have on its way, and on a long fast line four do not fill it: then sixteen are asked, and the larger figure
 * is taken.
 */
export async function measureCapacity(
  { link, spec, backend }: { link: Link; spec: LinkSpec; backend: BackendProcess },
  file: string,
  signal: AbortSignal,
): Promise<Capacity> {
  const measure = async (connections: number): Promise<Capacity> => {
    const curls = Array.from({ length: connections }, (_, index) =>
      startCurl(link, file, `${backend.address.endpoint}/bench/curl-${index}`),
    );
    try {
      await sleep(RAMP_UP_MS, undefined, { signal });
      const before = await bytesSoFar(backend);
      await sleep(WINDOW_MS, undefined, { signal });
      const after = await bytesSoFar(backend);
      const mbit = ((after.bytes - before.bytes) * 8) / 1e6;
      return { mbitPerSecond: mbit / ((after.atMs - before.atMs) / 1000), connections };
    } finally {
      for (const curl of curls) curl.kill();
      await Promise.all(curls.map(ended));
      await sleep(DRAIN_MS);
    }
  };
  const few = await measure(4);
  if (few.mbitPerSecond >= spec.rateMbit * SHARE_OF_BODIES * FULL) return few;
  const many = await measure(16);
  return many.mbitPerSecond > few.mbitPerSecond ? many : few;
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
