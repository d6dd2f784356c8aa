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
