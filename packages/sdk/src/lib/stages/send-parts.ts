import type { PartRange } from '@longhaul/protocol';
import type { LimitFunction } from 'p-limit';
import { runInPool } from '../pool.ts';

/** How a set of parts is sent. */
export interface SendPartsInput {
  /** In the order in which they are begun. */
  readonly parts: readonly PartRange[];
  /** Shared by all uploads: each of them queues no more parts than fit at once, so they take turns. */
  readonly pool: LimitFunction;
  readonly signal: AbortSignal;
  readonly send: (part: PartRange, signal: AbortSignal) => Promise<void>;
}

/**
 * Sends parts side by side. The first failure stops the others; it is thrown once none of them is running any more,
 * so that the source can be closed.
 */
export async function sendParts({ parts, pool, signal, send }: SendPartsInput): Promise<void> {
  const failure = new AbortController();
  const stop = AbortSignal.any([signal, failure.signal]);
  const queue = parts.values();

  const lane = async (): Promise<void> => {
    try {
      for (const part of queue) await runInPool(pool, stop, () => send(part, stop));
    } catch (error) {
      failure.abort(error);
    }
  };

  await Promise.all(Array.from({ length: Math.min(pool.concurrency, parts.length) }, lane));
  signal.throwIfAborted();
  failure.signal.throwIfAborted();
}
