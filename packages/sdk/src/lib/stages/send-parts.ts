import type { PartRange } from '@longhaul/protocol';
import type { Gate } from '../gate.ts';
import type { FairPool } from '../schedule/fair-pool.ts';

/** How a set of parts is sent. */
export interface SendPartsInput {
  /** Shared by all uploads, and fair between them. No more parts queue in it than could ever be in flight. */
  readonly line: { readonly pool: FairPool; readonly maxWidth: number };
  readonly stopSignal: AbortSignal;
  /** Closed while the upload is paused: parts under way give up their turns, and are sent again once it opens. */
  readonly gate: Gate;
}

/**
 * Sends parts side by side, begun in the order given. The first failure stops the others; it is thrown once none of
 * them is running any more, so that the source can be closed.
 */
export async function sendParts(
  { line: { pool, maxWidth }, stopSignal, gate }: SendPartsInput,
  parts: readonly PartRange[],
  send: (part: PartRange, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const signal = AbortSignal.any([stopSignal, failure.signal]);
  const queue = parts.values();

  const lane = async (): Promise<void> => {
    try {
      for (const part of queue) {
        await gate.run(signal, (open) => pool.run(queue, open, () => send(part, open)));
      }
    } catch (error) {
      failure.abort(error);
    }
  };

  await Promise.all(Array.from({ length: Math.min(maxWidth, parts.length) }, lane));
  signal.throwIfAborted();
}
