import { Worker } from 'node:worker_threads';
import type { ChecksumAlgorithm } from '@longhaul/protocol';
import type { FileIdentity } from './node-source.ts';

/** A stretch of a file, and by what to digest it. */
export interface DigestTask {
  readonly file: FileIdentity;
  readonly algorithm: ChecksumAlgorithm;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** What the worker is asked. */
export interface DigestQuestion extends DigestTask {
  readonly id: number;
  /** In memory that both threads see, as the worker hears nothing while it reads: not 0 once nobody waits any more. */
  readonly isStopped: Int32Array<SharedArrayBuffer>;
}

/** What it answers: the digest as base64, or nothing where it cannot read. */
export interface DigestAnswer {
  readonly id: number;
  readonly value: string | undefined;
}

/** A thread costs some 10 MiB, and its start 40 ms: it goes when it has had nothing to do for so long. */
const IDLE_MS = 10_000;

/** One for all uploaders of the process: it digests faster than a machine sends. */
let thread: Worker | undefined;
let canWork = true;
let lastId = 0;
const waiting = new Map<number, (value: string | undefined) => void>();
let idleTimer: NodeJS.Timeout | undefined;

/**
 * Digests in a thread of its own, and resolves with `undefined` where that cannot be: then it has to be done here.
 * Rejects with the signal's reason when it aborts.
 */
export async function digestInThread(task: DigestTask, signal: AbortSignal): Promise<string | undefined> {
  signal.throwIfAborted();
  const worker = (thread ??= startThread());
  if (!worker) return undefined;
  const id = ++lastId;
  const isStopped = new Int32Array(new SharedArrayBuffer(4));
  const over = new AbortController();
  try {
    return await new Promise((resolve, reject) => {
      const stop = (): void => {
        Atomics.store(isStopped, 0, 1);
        reject(signal.reason);
      };
      signal.addEventListener('abort', stop, over);
      waiting.set(id, resolve);
      clearTimeout(idleTimer);
      worker.ref();
      const question: DigestQuestion = { ...task, id, isStopped };
      worker.postMessage(question);
    });
  } finally {
    over.abort();
    waiting.delete(id);
    if (waiting.size === 0) rest(worker);
  }
}

/** Nobody waits for it: it keeps no process alive, and ends if that stays so. */
function rest(worker: Worker): void {
  worker.unref();
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => {
    if (thread === worker) thread = undefined;
    void worker.terminate();
  }, IDLE_MS).unref();
}

function startThread(): Worker | undefined {
  if (!canWork) return undefined;
  try {
    // Nothing that the program is preloaded with is of use there.
    const worker = new Worker(workerFile(), { name: 'longhaul-digests', execArgv: [] });
    worker.on('message', ({ id, value }: DigestAnswer) => waiting.get(id)?.(value));
    worker.on('error', () => (canWork = false));
    worker.on('exit', () => {
      // One that was idle has gone already, and those who wait do so for another.
      if (thread !== worker) return;
      thread = undefined;
      for (const answer of waiting.values()) answer(undefined);
    });
    return worker;
  } catch {
    canWork = false;
    return undefined;
  }
}

function workerFile(): URL {
  // Bundlers know this form, and take the file along.
  const built = new URL('./digest-worker.js', import.meta.url);
  return import.meta.url.endsWith('.ts') ? new URL('./digest-worker.ts', import.meta.url) : built;
}
