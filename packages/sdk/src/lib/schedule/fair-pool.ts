import pLimit from 'p-limit';

/** Runs so many tasks at once, over everybody who has some, and lets nobody wait for another's pile. */
export interface FairPool {
  /** Tasks that run at once; those that run when it is lowered run on. */
  width: number;
  /** As many run as may. */
  readonly isFull: boolean;
  /** Somebody waits for a place. */
  readonly isCrowded: boolean;
  /**
   * Runs `task` when there is room. A free place goes to the owner who has the fewest, and of equals to the one who has
   * waited longest: a file with one part does not stand behind all parts of a large one.
   *
   * An abort before the task has begun rejects at once, and then it never runs; after that it is the task's own business.
   */
  run<Value>(owner: object, signal: AbortSignal, task: () => Promise<Value>): Promise<Value>;
}

interface Share {
  running: number;
  readonly waiting: Set<() => Promise<void>>;
}

/** An empty pool. */
export function createFairPool(width: number): FairPool {
  const limit = pLimit(width);
  const shares = new Map<object, Share>();

  /** Who has nothing left has no place in the line either. */
  const leaveIfDone = (owner: object, share: Share): void => {
    if (share.running + share.waiting.size === 0) shares.delete(owner);
  };

  /** Whose turn it is, at the moment when a place is free. */
  const runNext = async (): Promise<void> => {
    let next: [object, Share, () => Promise<void>] | undefined;
    for (const [owner, share] of shares) {
      const [turn] = share.waiting;
      if (turn && (!next || share.running < next[1].running)) next = [owner, share, turn];
    }
    // Who had asked for this place has left.
    if (!next) return;
    const [owner, share, turn] = next;
    share.waiting.delete(turn);
    share.running++;
    // To the end of the line.
    shares.delete(owner);
    shares.set(owner, share);
    await turn();
    share.running--;
    leaveIfDone(owner, share);
  };

  return {
    get width() {
      return limit.concurrency;
    },
    set width(most) {
      limit.concurrency = most;
    },
    get isFull() {
      return limit.activeCount >= limit.concurrency;
    },
    get isCrowded() {
      return limit.pendingCount > 0;
    },
    run: (owner, signal, task) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const share = shares.get(owner) ?? { running: 0, waiting: new Set() };
        shares.set(owner, share);
        const turn = (): Promise<void> => {
          signal.removeEventListener('abort', leave);
          return task().then(resolve, reject);
        };
        const leave = (): void => {
          share.waiting.delete(turn);
          leaveIfDone(owner, share);
          reject(signal.reason);
        };
        signal.addEventListener('abort', leave);
        share.waiting.add(turn);
        void limit(runNext);
      }),
  };
}
