import type { ChecksumAlgorithm } from '@longhaul/protocol';
import { type BlobStretch, createStretchPost, type PostedStretch } from './blob-stretch.ts';
import { LOOK_EVERY_MS, MAX_LOOKS_AHEAD, MAX_QUIET_LOOKS } from './worker-patience.ts';

interface ToDigest {
  readonly algorithm: ChecksumAlgorithm;
}

/** What is to be digested. */
export type StretchOfBlob = BlobStretch & ToDigest;

/** What a worker is asked. */
export type AskedOfWorker = PostedStretch & ToDigest;

/** What it answers: now and then that bytes come, and the digest in the end, or none if the content cannot be read. */
export type AnswerOfWorker = 'reading' | { readonly value?: string | undefined };

/** One reads while the other counts. */
const WORKERS = 2;

interface Reader {
  readonly worker: Worker;
  readonly post: (stretch: StretchOfBlob) => void;
}

const waiting: (() => void)[] = [];
let busy = 0;
const idle: Reader[] = [];
let canWork = true;

/** What is under way. One timer looks at all of it: one for every stretch would be set and cleared with every part. */
const running = new Set<{ quietLooks: number; giveUp(): void }>();
let looking: ReturnType<typeof setInterval> | undefined;
let idleLooks = 0;
let maxIdleLooks = MAX_QUIET_LOOKS;

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
    const reader = idle.pop() ?? startReader();
    return reader && (await ask(reader, stretch, signal));
  } finally {
    const next = waiting.shift();
    if (next) next();
    else busy--;
  }
}

function ask(reader: Reader, stretch: StretchOfBlob, signal: AbortSignal): Promise<string | undefined> {
  const { worker, post } = reader;
  return new Promise((resolve, reject) => {
    const task = { quietLooks: 0, giveUp: (): void => giveUp() };
    const leave = (): void => {
      running.delete(task);
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
      task.quietLooks = 0;
      if (data === 'reading') return;
      leave();
      idle.push(reader);
      resolve(data.value);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      giveUp();
    };
    running.add(task);
    idleLooks = 0;
    looking ??= setInterval(look, LOOK_EVERY_MS);
    post(stretch);
  });
}

/**
 * Starts the workers while there is nothing to digest yet: they take longer to be there than a part to be digested.
 *
 * @param isAhead nobody has picked a file yet
 */
export function getReady(isAhead = false): void {
  const missing = WORKERS - busy - idle.length;
  if (!isAhead || missing === WORKERS) maxIdleLooks = isAhead ? MAX_LOOKS_AHEAD : MAX_QUIET_LOOKS;
  for (let count = 0; count < missing; count++) {
    const reader = startReader();
    if (reader) idle.push(reader);
  }
  idleLooks = 0;
  looking ??= setInterval(look, LOOK_EVERY_MS);
}

function startReader(): Reader | undefined {
  if (!canWork) return undefined;
  try {
    // Bundlers know this form, and take the file along.
    const worker = new Worker(new URL('./checksum-worker.js', import.meta.url), { type: 'module' });
    worker.onerror = (event) => {
      event.preventDefault();
      canWork = false;
      endIdle();
    };
    return { worker, post: createStretchPost(worker) };
  } catch {
    canWork = false;
    return undefined;
  }
}

/** Gives up those of which nothing is heard, and all of them once none has had anything to do for long. */
function look(): void {
  for (const task of running) if (++task.quietLooks >= MAX_QUIET_LOOKS) task.giveUp();
  idleLooks = running.size > 0 ? 0 : idleLooks + 1;
  if (idleLooks < maxIdleLooks) return;
  clearInterval(looking);
  looking = undefined;
  idleLooks = 0;
  endIdle();
}

function endIdle(): void {
  for (const { worker } of idle.splice(0)) worker.terminate();
}
