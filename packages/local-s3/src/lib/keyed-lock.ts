/** Runs tasks of one name one after another; tasks of different names do not wait for each other. */
export interface KeyedLock {
  run<T>(name: string, task: () => Promise<T>): Promise<T>;
}

/** A lock of this process. It is not reentrant. */
export function createKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(name, task) {
      const previous = tails.get(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      tails.set(name, promise);
      try {
        await previous;
        return await task();
      } finally {
        if (tails.get(name) === promise) tails.delete(name);
        resolve();
      }
    },
  };
}
