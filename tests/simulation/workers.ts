import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Task, WorkerReport } from './worker.ts';

/** Threads that run schedules, one for each core. */
export interface Workers {
  /** Runs a task as soon as a thread is free. */
  run(task: Task): Promise<readonly WorkerReport[]>;
  close(): Promise<void>;
}

/** Starts threads. */
export function startWorkers(count: number = availableParallelism()): Workers {
  const all = Array.from({ length: count }, () => new Worker(new URL('./worker.ts', import.meta.url)));
  const free = [...all];
  const waiting: ((worker: Worker) => void)[] = [];
  const take = (): Promise<Worker> => {
    const worker = free.pop();
    return worker ? Promise.resolve(worker) : new Promise((resolve) => waiting.push(resolve));
  };
  const giveBack = (worker: Worker): void => {
    const next = waiting.shift();
    if (next) next(worker);
    else free.push(worker);
  };
  return {
    async run(task) {
      const worker = await take();
      try {
        return await answerOf(worker, task);
      } finally {
        giveBack(worker);
      }
    },
    async close() {
      await Promise.all(all.map((worker) => worker.terminate()));
    },
  };
}

function answerOf(worker: Worker, task: Task): Promise<readonly WorkerReport[]> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      worker.removeAllListeners('message').removeAllListeners('error');
      end();
    };
    worker.once('message', (reports: readonly WorkerReport[]) => settle(() => resolve(reports)));
    worker.once('error', (error) => settle(() => reject(error)));
    worker.postMessage(task);
  });
}
