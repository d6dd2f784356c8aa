import type { LimitFunction } from 'p-limit';

/**
 * Runs `task` when the pool has room. Leaving the queue does not wait for a turn: an abort before the task has begun
 * rejects at once, and then the task never runs. An abort after that is the task's own business.
 */
export async function runInPool<Value>(
  pool: LimitFunction,
  signal: AbortSignal,
  task: () => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted();
  let hasBegun = false;
  const turn = pool(async () => {
    signal.throwIfAborted();
    hasBegun = true;
    return await task();
  });
  return await new Promise<Value>((resolve, reject) => {
    const leave = (): void => {
      if (!hasBegun) reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    turn.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  });
}
