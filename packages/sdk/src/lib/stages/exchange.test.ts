import type { Grant, PartRange, PartsRequest } from '@longhaul/protocol';
import { describe, expect, it } from 'vitest';
import { createExchange, type Exchange } from './exchange.ts';

const PART_BYTES = 5;
const { signal } = new AbortController();

function partsOf(count: number): PartRange[] {
  return Array.from({ length: count }, (_, index) => ({
    partNumber: index + 1,
    offsetBytes: index * PART_BYTES,
    sizeBytes: PART_BYTES,
  }));
}

function grantOf(partNumber: number, expiresInSeconds = 100): Grant {
  return { partNumber, url: `https://store/${partNumber}`, headers: {}, expiresInSeconds };
}

interface World {
  readonly exchange: Exchange;
  readonly calls: PartsRequest[];
  readonly parts: readonly PartRange[];
  /** Lets time pass: sleepers whose time has come wake up. */
  tick(ms: number): Promise<void>;
  /** Makes calls fail, or not any more. */
  breakDown(isBroken: boolean): void;
}

function start(count: number, firstGrants: readonly Grant[] = [], concurrency = 2): World {
  let nowMs = 0;
  let isBroken = false;
  const sleepers: { untilMs: number; wake: () => void }[] = [];
  const calls: PartsRequest[] = [];
  const parts = partsOf(count);
  const settle = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));
  const exchange = createExchange({
    clock: {
      nowMs: () => nowMs,
      sleep: (delayMs, signal) =>
        new Promise((wake, reject) => {
          sleepers.push({ untilMs: nowMs + delayMs, wake });
          signal?.addEventListener('abort', () => reject(signal.reason));
        }),
      randomFraction: () => 0,
      randomUuid: () => '',
    },
    stopSignal: new AbortController().signal,
    concurrency,
    parts,
    created: { grants: firstGrants },
    askedMs: 0,
    session: {
      async exchangeParts(request) {
        if (isBroken) throw new Error('no network');
        calls.push(request);
        await settle();
        return { receivedCount: 0, grants: request.sign.map(({ partNumber }) => grantOf(partNumber)) };
      },
    },
  });
  return {
    exchange,
    calls,
    parts,
    async tick(ms) {
      nowMs += ms;
      for (const sleeper of sleepers) if (sleeper.untilMs <= nowMs) sleeper.wake();
      await settle();
      await settle();
    },
    breakDown: (broken) => (isBroken = broken),
  };
}

function receiptOf(partNumber: number): { partNumber: number; sizeBytes: number; etag: string } {
  return { partNumber, sizeBytes: PART_BYTES, etag: `"${partNumber}"` };
}

describe('the exchange', () => {
  it('asks for the next parts with the first, so that one call serves many', async () => {
    const { exchange, calls, parts } = start(10);
    const grants = await Promise.all(parts.slice(0, 4).map((part) => exchange.grantFor(part, signal)));
    expect(grants.map(({ partNumber }) => partNumber)).toEqual([1, 2, 3, 4]);
    expect(calls.map(({ sign }) => sign.map(({ partNumber }) => partNumber))).toEqual([[1, 2, 3, 4]]);
  });

  it('uses the URLs that came with the upload, unless they are about to expire', async () => {
    const { exchange, calls, parts, tick } = start(2, [grantOf(1), grantOf(2)]);
    await exchange.grantFor(parts[0]!, signal);
    expect(calls).toEqual([]);
    await tick(91_000);
    await exchange.grantFor(parts[1]!, signal);
    expect(calls.map(({ sign }) => sign)).toEqual([[{ partNumber: 2, sizeBytes: PART_BYTES }]]);
  });

  it('keeps a URL for another attempt, until it is dropped', async () => {
    const { exchange, calls, parts } = start(1);
    await exchange.grantFor(parts[0]!, signal);
    await exchange.grantFor(parts[0]!, signal);
    expect(calls).toHaveLength(1);
    exchange.dropGrant(1);
    await exchange.grantFor(parts[0]!, signal);
    expect(calls).toHaveLength(2);
  });

  it('lets go of those who wait for their turn when they are not wanted any more', async () => {
    const { exchange, calls, parts } = start(10);
    const failure = new AbortController();
    const first = exchange.grantFor(parts[0]!, signal);
    const waiting = exchange.grantFor(parts[9]!, failure.signal);
    failure.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    await first;
    expect(calls).toHaveLength(1);
  });

  it('reports within a second, and everything that has come up till then at once', async () => {
    const { exchange, calls, tick } = start(5);
    exchange.report(receiptOf(1));
    exchange.report(receiptOf(2));
    await tick(999);
    expect(calls).toEqual([]);
    await tick(1);
    expect(calls.map(({ report }) => report.map(({ partNumber }) => partNumber))).toEqual([[1, 2]]);
    exchange.report(receiptOf(3));
    await tick(1_000);
    expect(calls[1]?.report).toEqual([receiptOf(3)]);
  });

  it('lets a report travel with a request for URLs', async () => {
    const { exchange, calls, parts } = start(5);
    exchange.report(receiptOf(5));
    await exchange.grantFor(parts[0]!, signal);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.report).toEqual([receiptOf(5)]);
  });

  it('has reported everything after a flush, a thousand at a time', async () => {
    const { exchange, calls } = start(2_500);
    for (let partNumber = 1; partNumber <= 2_500; partNumber++) exchange.report(receiptOf(partNumber));
    await exchange.flush();
    expect(calls.map(({ report }) => report.length)).toEqual([1_000, 1_000, 500]);
  });

  it('loses no receipt to a report that failed behind the scenes', async () => {
    const { exchange, calls, tick, breakDown } = start(2);
    breakDown(true);
    exchange.report(receiptOf(1));
    await tick(1_000);
    await expect(exchange.flush()).rejects.toThrow('no network');
    breakDown(false);
    await exchange.flush();
    expect(calls.map(({ report }) => report)).toEqual([[receiptOf(1)]]);
  });
});
