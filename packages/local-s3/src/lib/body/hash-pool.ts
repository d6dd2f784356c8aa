import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';

import type { HashAnswer, HashRequest } from './hash-messages.ts';
import type { HashName, Hasher } from './hasher.ts';

/** More would only wait for the thread that receives. */
const MAX_WORKERS: number = Math.min(availableParallelism(), 4);

/** Beside the source, or beside the bundle. */
const WORKER_FILE = new URL(
  import.meta.url.endsWith('.ts') ? './hash-worker.ts' : './hash-worker.js',
  import.meta.url,
);

/** Threads belong to the process, so all servers in it share them. They start when the first large body comes. */
const threads: HashThread[] = [];

/**
 * Computes in a worker thread, so that one busy upload does not hold up all others: MD5 alone is slower than a disk.
 * Bytes must lie in shared memory; they are not copied.
 */
export function createWorkerHasher(names: readonly HashName[]): Hasher {
  const thread = leastBusyThread();
  const job = thread.begin(names);
  return {
    async update(bytes) {
      await thread.ask({ job, kind: 'update', bytes });
    },
    async finish() {
      const values = await thread.ask({ job, kind: 'finish' });
      thread.end(job);
      return values.map((value) => Buffer.from(value));
    },
    drop: () => thread.drop(job),
  };
}

interface HashThread {
  readonly jobs: ReadonlyMap<number, unknown>;
  begin(names: readonly HashName[]): number;
  ask(request: HashRequest): Promise<HashAnswer['values']>;
  end(job: number): void;
  drop(job: number): void;
}

interface Waiting {
  readonly resolve: (values: HashAnswer['values']) => void;
  readonly reject: (error: unknown) => void;
}

function leastBusyThread(): HashThread {
  const idle = threads.find((thread) => thread.jobs.size === 0);
  if (idle !== undefined) return idle;
  if (threads.length < MAX_WORKERS) {
    const started = startThread();
    threads.push(started);
    return started;
  }
  return threads.reduce((least, thread) => (thread.jobs.size < least.jobs.size ? thread : least));
}

function startThread(): HashThread {
  // Flags of the process, such as --input-type, are not for the worker, and some would not let it start.
  const worker = new Worker(WORKER_FILE, { execArgv: [] });
  const jobs = new Map<number, Waiting[]>();
  let lastJob = 0;
  const end = (job: number): void => {
    jobs.delete(job);
    if (jobs.size === 0) worker.unref();
  };
  const thread: HashThread = {
    jobs,
    begin(names) {
      lastJob += 1;
      jobs.set(lastJob, []);
      worker.ref();
      worker.postMessage({ job: lastJob, kind: 'begin', names } satisfies HashRequest);
      return lastJob;
    },
    ask: async (request) =>
      await new Promise((resolve, reject) => {
        jobs.get(request.job)?.push({ resolve, reject });
        worker.postMessage(request);
      }),
    end,
    drop(job) {
      worker.postMessage({ job, kind: 'drop' } satisfies HashRequest);
      end(job);
    },
  };
  worker.on('message', ({ job, values }: HashAnswer) => jobs.get(job)?.shift()?.resolve(values));
  worker.on('error', (error) => {
    threads.splice(threads.indexOf(thread), 1);
    for (const waiting of [...jobs.values()].flat()) waiting.reject(error);
  });
  worker.unref();
  return thread;
}
