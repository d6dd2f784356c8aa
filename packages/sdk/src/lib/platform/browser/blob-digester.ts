import type { Checksum, ChecksumAlgorithm } from '@longhaul/protocol';
import { digestPieces } from '../../integrity/digest-pieces.ts';
import type { StretchToDigest } from '../../ports/digester.ts';
import type { BlobSource } from '../../sources/blob-source.ts';

/** What a worker is asked. It answers with the digest, or with `undefined` if the content cannot be read. */
export interface BlobToDigest {
  readonly algorithm: ChecksumAlgorithm;
  readonly blob: Blob;
}

/** One reads while the other counts. */
const WORKERS = 2;

/** A worker costs memory, and its start some milliseconds: it goes when it has had nothing to do for so long. */
const IDLE_MS = 10_000;

/** Digested where we are: in less time than it takes to ask somebody else. */
const SMALL_BYTES = 256 * 1024;

const waiting: (() => void)[] = [];
let busy = 0;
const idle: Worker[] = [];
let idleTimer: ReturnType<typeof setTimeout> | undefined;
let canWork = true;

/**
 * Digests a stretch in a worker. Where there can be none (a content security policy, a bundle without the worker's file)
 * it is done here, in slices that leave time for whatever else the page does.
 */
export async function digestBlob(stretch: StretchToDigest<BlobSource>): Promise<Checksum> {
  const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
  const isSmall = sizeBytes <= SMALL_BYTES;
  const value = isSmall ? undefined : await inTurn(() => digestInWorker(stretch));
  const read = async (atBytes: number, pieceBytes: number): Promise<Uint8Array> => {
    signal.throwIfAborted();
    return await source.read(offsetBytes + atBytes, pieceBytes);
  };
  return { algorithm, value: value ?? (await digestPieces(algorithm, sizeBytes, read)) };
}

async function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
  if (busy < WORKERS) busy++;
  else await new Promise<void>((resolve) => waiting.push(resolve));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else busy--;
  }
}

async function digestInWorker(stretch: StretchToDigest<BlobSource>): Promise<string | undefined> {
  const { algorithm, source, offsetBytes, sizeBytes, signal } = stretch;
  signal.throwIfAborted();
  const question: BlobToDigest = { algorithm, blob: source.blob(offsetBytes, sizeBytes) };
  const worker = takeWorker();
  if (!worker) return undefined;
  return await new Promise((resolve, reject) => {
    const abort = (): void => {
      worker.terminate();
      reject(signal.reason);
    };
    signal.addEventListener('abort', abort);
    worker.onmessage = ({ data }: MessageEvent<string | undefined>) => {
      signal.removeEventListener('abort', abort);
      if (!signal.aborted) giveBack(worker);
      resolve(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      canWork = false;
      worker.terminate();
      resolve(undefined);
    };
    worker.postMessage(question);
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
