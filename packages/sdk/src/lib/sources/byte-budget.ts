import { orAborted } from './or-aborted.ts';

/** Bounds what all streams of an uploader hold in memory together. */
export interface ByteBudget {
  /** Resolves when there is room for so many bytes more, and counts them. Rejects with the signal's reason. */
  take(bytes: number, signal: AbortSignal): Promise<void>;
  /** Counts bytes whether or not there is room. */
  hold(bytes: number): void;
  /** These bytes are not held any more. */
  free(bytes: number): void;
}

/** What one stream holds of a budget. */
export interface ByteShare extends ByteBudget {
  /** While it rests it takes no more, and what it holds counts for nothing: others go on as if it were not there. */
  rest(isResting: boolean): void;
}

const budgets = new WeakMap<object, ByteBudget>();

/** The budget of whoever holds the bytes. */
export function budgetOf({
  owner,
  limitBytes,
}: {
  readonly owner: object;
  readonly limitBytes: number;
}): ByteBudget {
  const budget = budgets.get(owner) ?? createByteBudget(limitBytes);
  budgets.set(owner, budget);
  return budget;
}

/** A budget with room for at least two of whatever is asked for, so that one may be filled while the other is sent. */
function createByteBudget(limitBytes: number): ByteBudget {
  let heldBytes = 0;
  let freed = Promise.withResolvers<void>();
  const hold = (bytes: number): void => void (heldBytes += bytes);
  return {
    async take(bytes, signal) {
      while (heldBytes + bytes > Math.max(limitBytes, 2 * bytes)) await orAborted(freed.promise, signal);
      hold(bytes);
    },
    hold,
    free(bytes) {
      heldBytes -= bytes;
      freed.resolve();
      freed = Promise.withResolvers();
    },
  };
}

/** A share that holds nothing yet. */
export function createShare(budget: ByteBudget): ByteShare {
  let heldBytes = 0;
  let isResting = false;
  let rested = Promise.withResolvers<void>();
  return {
    async take(bytes, signal) {
      while (isResting) await orAborted(rested.promise, signal);
      await budget.take(bytes, signal);
      heldBytes += bytes;
      // It has begun to rest meanwhile.
      if (isResting) budget.free(bytes);
    },
    hold(bytes) {
      heldBytes += bytes;
      if (!isResting) budget.hold(bytes);
    },
    free(bytes) {
      heldBytes -= bytes;
      if (!isResting) budget.free(bytes);
    },
    rest(resting) {
      if (resting === isResting) return;
      isResting = resting;
      if (resting) return budget.free(heldBytes);
      budget.hold(heldBytes);
      rested.resolve();
      rested = Promise.withResolvers();
    },
  };
}
