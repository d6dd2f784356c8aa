import type { Receipt } from '@longhaul/protocol';
import type { Clock } from './ports/clock.ts';

/** Receipts of which the coordinator has not heard yet, oldest first. */
export interface DueReceipts {
  readonly count: number;
  add(receipt: Receipt): void;
  oldest(most: number): readonly Receipt[];
  /** The oldest ones were told. */
  drop(count: number): void;
}

/** The longest that one waits for a call that goes anyhow. */
const REPORT_WITHIN_MS = 1_000;

/** Has them reported once the oldest one has waited long enough. Not after the signal has aborted. */
export function createDueReceipts(
  clock: Clock,
  signal: AbortSignal,
  report: () => Promise<void>,
): DueReceipts {
  let due: { readonly receipt: Receipt; readonly sinceMs: number }[] = [];
  let isWatched = false;
  const watch = async (): Promise<void> => {
    isWatched = true;
    try {
      for (let [oldest] = due; oldest; [oldest] = due) {
        const waitsMs = oldest.sinceMs + REPORT_WITHIN_MS - clock.nowMs();
        if (waitsMs > 0) await clock.sleep(waitsMs, signal);
        else await report();
        signal.throwIfAborted();
      }
    } finally {
      isWatched = false;
    }
  };
  return {
    get count() {
      return due.length;
    },
    add(receipt) {
      due.push({ receipt, sinceMs: clock.nowMs() });
      // Ends when it cannot be reported to: the next receipt begins anew.
      if (!isWatched) watch().catch(() => {});
    },
    oldest: (most) => due.slice(0, most).map(({ receipt }) => receipt),
    drop: (count) => void (due = due.slice(count)),
  };
}
