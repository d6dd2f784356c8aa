import type { ChecksumAlgorithm } from '@longhaul/protocol';
import type { BlobStretch } from './blob-stretch.ts';

/** What a worker is asked. */
export interface StretchOfBlob extends BlobStretch {
  readonly algorithm: ChecksumAlgorithm;
}

/** What it answers: now and then that bytes come, and the digest in the end, or none if the content cannot be read. */
export type AnswerOfWorker = 'reading' | { readonly value?: string | undefined };

/** One reads while the other counts. */
const WORKERS = 2;

/** A worker costs memory, and its start some milliseconds: it goes when it has had nothing to do for so long. */
const IDLE_MS = 10_000;

/** Looks, not time: a machine that has slept, or a tab that was frozen, gets no more than one look out of that. */
const LOOK_EVERY_MS = 1_000;
const MAX_QUIET_LOOKS = 10;

const waiting: (() => void)[] = [];
let busy = 0;
const idle: Worker[] = [];
let idleTimer: ReturnType<typeof setTimeout> | undefined;
let canWork = true;

/**
 * Has a stretch digested by a worker, in turn. `undefined`: it could not be read; or there can be no worker (a content
 * security policy, a bundle without the worker's file), or the worker has fallen silent: then none is asked any more.
 */
export async function digestInWorker(
  stretch: StretchOfBlob,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (busy < WORKERS) busy++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    signal.throwIfAborted();
    const worker = takeWorker();
    return worker && (await ask(worker, stretch, signal));
  } finally {
    const next = waiting.shift();
    if (next) next();
    else busy--;
  }
}

function ask(worker: Worker, stretch: StretchOfBlob, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    let quietLooks = 0;
    const looking = setInterval(() => {
      if (++quietLooks >= MAX_QUIET_LOOKS) giveUp();
    }, LOOK_EVERY_MS);
    const leave = (): void => {
      clearInterval(looking);
      signal.removeEventListener('abort', abort);
    };
    const abort = (): void => {
      leave();
      worker.terminate();
      reject(signal.reason);
    };
    const giveUp = (): void => {
      leave();
      canWork = false;
      worker.terminate();
      resolve(undefined);
    };
    signal.addEventListener('abort', abort);
    worker.onmessage = ({ data }: MessageEvent<AnswerOfWorker>) => {
      quietLooks = 0;
      if (data === 'reading') return;
      leave();
      giveBack(worker);
      resolve(data.value);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      giveUp();
    };
    worker.postMessage(stretch);
  });
}

function takeWorker(): Worker | undefined {
  clearTimeout(idleTimer);
  const known = idle.pop();
  if (known || !canWork) return known;
  try {
    // Bundlers know this form, and take the file along.
    return new Worker(new URL('./checksum-worker.js', import.meta.url), { type: 'module' });
  } catch {
    canWork = false;
    return undefined;
  }
}

function giveBack(worker: Worker): void {
  idle.push(worker);
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => {
    for (const each of idle.splice(0)) each.terminate();
  }, IDLE_MS);
}
