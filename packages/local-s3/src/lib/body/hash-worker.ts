// Runs in a worker thread: hashes what createWorkerHasher sends.
import { parentPort } from 'node:worker_threads';

import type { HashAnswer, HashRequest } from './hash-messages.ts';
import type { Hasher } from './hasher.ts';
import { createInlineHasher } from './hasher.ts';

const hashers = new Map<number, Promise<Hasher>>();

async function answer(request: HashRequest): Promise<HashAnswer | undefined> {
  const { job } = request;
  if (request.kind === 'begin') {
    hashers.set(job, createInlineHasher(request.names));
    return undefined;
  }
  // Requests of a job wait for one promise, so they go on in the order in which they came.
  const hasher = await hashers.get(job);
  if (request.kind === 'update') {
    await hasher?.update(request.bytes);
    return { job, values: [] };
  }
  hashers.delete(job);
  if (request.kind === 'drop') return undefined;
  return { job, values: (await hasher?.finish()) ?? [] };
}

async function post(request: HashRequest): Promise<void> {
  const answered = await answer(request);
  if (answered !== undefined) parentPort?.postMessage(answered);
}

// A failure ends the thread; the pool hears of it and rejects whatever waits.
parentPort?.on('message', (request: HashRequest) => void post(request));
