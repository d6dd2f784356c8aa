import { orAborted } from './or-aborted.ts';
import type { ByteBudget } from './ports/byte-budget.ts';

/** A budget with room for at least two of whatever is asked for, so that one may be filled while the other is sent. */
export function createByteBudget(limitBytes: number): ByteBudget {
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
