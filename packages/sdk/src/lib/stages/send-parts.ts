import type { PartRange } from '@longhaul/protocol';
import type { Gate } from '../gate.ts';
import type { Line } from '../schedule/line.ts';
import { lanesAtFirst, lanesFor } from '../schedule/lanes.ts';

/** How a set of parts is sent. */
export interface SendPartsInput {
  /** Shared by all uploads, and fair between them. No more parts queue in it than could ever be in flight. */
  readonly line: Pick<Line, 'pool' | 'maxWidth' | 'heldBack'>;
  readonly stopSignal: AbortSignal;
  /** Closed while the upload is paused: parts under way give up their turns, and are sent again once it opens. */
  readonly gate: Gate;
}

/** Parts that come one after the other, in their own time. */
export interface PartQueue {
  /** Begins to hand them out, until the signal aborts. */
  begin(signal: AbortSignal): AsyncIterator<PartRange>;
}

/**
 * Sends parts side by side, begun in the order given. The first failure stops the others; it is thrown once none of
 * them is running any more, so that the source can be closed.
 */
export async function sendParts(
  { line: { pool, maxWidth, heldBack }, stopSignal, gate }: SendPartsInput,
  parts: readonly PartRange[] | PartQueue,
  send: (part: PartRange, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([stopSignal, failure.signal]);
  const queue = 'values' in parts ? parts.values() : parts.begin(signal);

  const lane = async (): Promise<void> => {
    try {
      for (;;) {
        const { done, value: part } = await queue.next();
        if (done) return;
        await gate.run(signal, (open) => pool.run(queue, open, () => send(part, open)));
      }
    } catch (error) {
      failure.abort(error);
    }
  };

  const start = (count: number): Promise<unknown> => Promise.all(Array.from({ length: count }, lane));
  // One more than are sent at once: it waits for the next part of a queue meanwhile.
  if ('begin' in parts) await start(maxWidth + 1);
  else {
    const first = lanesAtFirst(parts.length, maxWidth);
    const over = new AbortController();
    let others: Promise<unknown> | undefined;
    heldBack.whenKnown(over.signal, () => {
      others = start(lanesFor(parts.length, maxWidth) - first);
    });
    await start(first);
    over.abort();
    await others;
  }
  signal.throwIfAborted();
}
