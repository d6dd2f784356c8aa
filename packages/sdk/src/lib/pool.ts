import type { LimitFunction } from 'p-limit';

/**
 * Runs `task` when the pool has room. Leaving the queue does not wait for a turn: an abort before the task has begun
 * rejects at once, and then the task never runs. An abort after that is the task's own business.
 */
export function runInPool<Value>(
  pool: LimitFunction,
  signal: AbortSignal,
  task: () => Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const leave = (): void => reject(signal.reason);
    signal.addEventListener('abort', leave);
    const turn = pool(async () => {
      signal.removeEventListener('abort', leave);
      signal.throwIfAborted();
      return await task();
    });
    turn.then(resolve, reject);
  });
}
