import type { Grant, PartRange, PartsRequest } from '@longhaul/protocol';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { createExchange, type Exchange, type ExchangeInput } from './exchange.ts';

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
  /** Calls that were ever under way together. */
  readonly mostAtOnce: () => number;
  /** Lets time pass: sleepers whose time has come wake up. */
  tick(ms: number): Promise<void>;
  /** Makes the source say that it was changed. */
  change(): void;
  /** Makes calls fail, or not any more. */
  breakDown(isBroken: boolean): void;
}

function start(
  count: number,
  firstGrants: readonly Grant[] = [],
  concurrency = 2,
  digests?: ExchangeInput['digests'],
): World {
  let nowMs = 0;
  let isBroken = false;
  let isChanged = false;
  let running = 0;
  let mostAtOnce = 0;
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
    digests,
    created: { grants: firstGrants },
    askedMs: 0,
    source: {
      async verify() {
        if (isChanged) throw new Error('changed');
      },
    },
    session: {
      async exchangeParts(request) {
        if (isBroken) throw new Error('no network');
        calls.push(request);
        mostAtOnce = Math.max(mostAtOnce, ++running);
        await settle();
        running--;
        return { receivedCount: 0, grants: request.sign.map(({ partNumber }) => grantOf(partNumber)) };
      },
    },
  });
  return {
    exchange,
    calls,
    parts,
    mostAtOnce: () => mostAtOnce,
    async tick(ms) {
      nowMs += ms;
      for (const sleeper of sleepers) if (sleeper.untilMs <= nowMs) sleeper.wake();
      await settle();
      await settle();
    },
    change: () => (isChanged = true),
    breakDown: (broken) => (isBroken = broken),
  };
}

function receiptOf(partNumber: number): { partNumber: number; sizeBytes: number; etag: string } {
  return { partNumber, sizeBytes: PART_BYTES, etag: `"${partNumber}"` };
}

describe('the exchange', () => {
  it('makes one call for twice as many parts as are in flight, and lets nobody wait for it but the first', async () => {
    const { exchange, calls, parts, tick } = start(60, [], 6);
    await exchange.grantFor(parts[0]!, signal);
    for (const part of parts.slice(1)) {
      const before = calls.length;
      await exchange.grantFor(part, signal);
      // One may have been begun for later parts, but this part had its URL.
      expect(calls.slice(before).flatMap(({ sign }) => sign)).not.toContainEqual(
        expect.objectContaining({ partNumber: part.partNumber }),
      );
      await tick(10);
    }
    expect(calls.length).toBeLessThanOrEqual(60 / 12 + 1);
  });

  it('makes no call of its own for what comes while the last one is under way: that travels with the end', async () => {
    const { exchange, calls, parts, tick } = start(
      3,
      [1, 2, 3].map((number) => grantOf(number)),
    );
    for (const part of parts) await exchange.grantFor(part, signal);
    exchange.report(receiptOf(1));
    const reported = tick(1_000);
    while (calls.length === 0) await Promise.resolve();
    exchange.report(receiptOf(2));
    exchange.report(receiptOf(3));
    expect(await exchange.rest()).toEqual([receiptOf(2), receiptOf(3)]);
    await reported;
    expect(calls).toEqual([{ report: [receiptOf(1)], sign: [] }]);
  });

  it('asks for the next parts with the first, so that one call serves many, and for more before anybody needs them', async () => {
    const { exchange, calls, parts } = start(10);
    const grants = await Promise.all(parts.slice(0, 4).map((part) => exchange.grantFor(part, signal)));
    expect(grants.map(({ partNumber }) => partNumber)).toEqual([1, 2, 3, 4]);
    await vi.waitFor(() => expect(calls).toHaveLength(2));
    expect(calls.map(({ sign }) => sign.map(({ partNumber }) => partNumber))).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
    await exchange.grantFor(parts[4]!, signal);
    expect(calls).toHaveLength(2);
  });

  it('waits for the digests that are under way before it asks ahead, and for none where a part has its own', async () => {
    const checksum = { algorithm: 'CRC32', value: 'AAAAAA==' } as const;
    const digested = new Set([1, 2]);
    const { promise: digesting, resolve: finish } = Promise.withResolvers<void>();
    const { exchange, calls, parts, tick } = start(
      12,
      [1, 2].map((number) => grantOf(number)),
      4,
      { known: (number) => (digested.has(number) ? checksum : undefined), whenKnown: () => digesting },
    );
    await Promise.all(parts.slice(0, 2).map((part) => exchange.grantFor(part, signal)));
    digested.add(3);
    await tick(10);
    expect(calls).toEqual([]);
    await exchange.grantFor(parts[2]!, signal);
    expect(calls.map(({ sign }) => sign.map(({ partNumber }) => partNumber))).toEqual([[3]]);
    for (const number of [4, 5, 6]) digested.add(number);
    finish();
    await tick(10);
    expect(calls.slice(1).map(({ sign }) => sign.map(({ partNumber }) => partNumber))).toEqual([[4, 5, 6]]);
  });

  it('asks for nothing ahead once nothing more is digested: the upload is over', async () => {
    const checksum = { algorithm: 'CRC32', value: 'AAAAAA==' } as const;
    const stopped = Promise.reject(new Error('stopped'));
    const digests = { known: () => checksum, whenKnown: () => stopped };
    const { exchange, calls, parts, tick } = start(4, [grantOf(1)], 4, digests);
    await exchange.grantFor(parts[0]!, signal);
    await tick(10);
    expect(calls).toEqual([]);
  });

  it('uses the URLs that came with the upload, unless they are about to expire', async () => {
    const { exchange, calls, parts, tick } = start(2, [grantOf(1), grantOf(2)]);
    await exchange.grantFor(parts[0]!, signal);
    expect(calls).toEqual([]);
    await tick(91_000);
    await exchange.grantFor(parts[1]!, signal);
    expect(calls.map(({ sign }) => sign)).toEqual([[{ partNumber: 2, sizeBytes: PART_BYTES }]]);
  });

  it('hands out a URL that was long on its way: whether it is still good is for the store to say', async () => {
    const { exchange, calls, parts, tick } = start(1);
    const waiting = exchange.grantFor(parts[0]!, signal);
    while (calls.length === 0) await Promise.resolve();
    await tick(95_000);
    expect(await waiting).toMatchObject({ partNumber: 1 });
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

  it('lets what is reported with another call wait for no call of its own, and what comes after it for a second', async () => {
    const { exchange, calls, parts, tick } = start(5);
    exchange.report(receiptOf(4));
    await tick(900);
    await exchange.grantFor(parts[0]!, signal);
    await tick(10);
    const made = calls.length;
    exchange.report(receiptOf(5));
    await tick(980);
    expect(calls).toHaveLength(made);
    await tick(20);
    expect(calls.slice(made).map(({ report }) => report)).toEqual([[receiptOf(5)]]);
  });

  it('lets a report travel with a request for URLs', async () => {
    const { exchange, calls, parts } = start(5);
    exchange.report(receiptOf(5));
    await exchange.grantFor(parts[0]!, signal);
    expect(calls).toHaveLength(1);
    expect(calls[0]?.report).toEqual([receiptOf(5)]);
  });

  it('leaves in the end what one call can carry, and has reported the rest, a thousand at a time', async () => {
    const { exchange, calls } = start(2_500);
    for (let partNumber = 1; partNumber <= 2_500; partNumber++) exchange.report(receiptOf(partNumber));
    const rest = await exchange.rest();
    expect(calls.map(({ report }) => report.length)).toEqual([1_000, 1_000]);
    expect(rest.map(({ partNumber }) => partNumber)).toEqual(
      Array.from({ length: 500 }, (_, i) => 2_001 + i),
    );
  });

  it('loses no receipt to a report that failed behind the scenes', async () => {
    const { exchange, calls, tick, breakDown } = start(2);
    breakDown(true);
    exchange.report(receiptOf(1));
    await tick(1_000);
    breakDown(false);
    expect(await exchange.rest()).toEqual([receiptOf(1)]);
    expect(calls).toEqual([]);
  });

  it('reports nothing of a source that was changed, and hands out no more URLs for it', async () => {
    const { exchange, calls, parts, tick, change } = start(2, [grantOf(2)]);
    exchange.report(receiptOf(1));
    change();
    await tick(1_000);
    await expect(exchange.grantFor(parts[1]!, signal)).rejects.toThrow('changed');
    expect(calls).toEqual([]);
  });

  it('tells of each part once, hands out the right URLs, and makes one call at a time, whatever happens', async () => {
    const COUNT = 12;
    const partNumber = fc.integer({ min: 1, max: COUNT });
    const step = fc.oneof(
      fc.record({ kind: fc.constantFrom('grant' as const, 'report' as const, 'drop' as const), partNumber }),
      fc.record({ kind: fc.constant('tick' as const), ms: fc.constantFrom(10, 1_000, 95_000) }),
      fc.record({ kind: fc.constant('break' as const), isBroken: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { exchange, calls, parts, tick, breakDown, mostAtOnce } = start(COUNT);
        const reported = new Set<number>();
        // A part is asked for, dropped and reported by one sender, one after the other.
        const waiting = new Set<number>();
        const asked: Promise<unknown>[] = [];
        for (const each of steps) {
          if (each.kind === 'tick') await tick(each.ms);
          else if (each.kind === 'break') breakDown(each.isBroken);
          else if (waiting.has(each.partNumber)) continue;
          else if (each.kind === 'drop') exchange.dropGrant(each.partNumber);
          else if (each.kind === 'grant') {
            waiting.add(each.partNumber);
            const grant = exchange.grantFor(parts[each.partNumber - 1]!, signal);
            const answer = grant.then(
              ({ partNumber: given }) => given,
              (error: Error) => error.message,
            );
            asked.push(
              answer.then((given) => {
                waiting.delete(each.partNumber);
                return given === 'no network' || given === each.partNumber ? undefined : given;
              }),
            );
          } else if (!reported.has(each.partNumber)) {
            reported.add(each.partNumber);
            exchange.report(receiptOf(each.partNumber));
          }
        }
        breakDown(false);
        const rest = await exchange.rest();
        expect((await Promise.all(asked)).filter((wrong) => wrong !== undefined)).toEqual([]);
        const told = [...calls.flatMap(({ report }) => report), ...rest].map((receipt) => receipt.partNumber);
        expect(told.toSorted((a, b) => a - b)).toEqual([...reported].toSorted((a, b) => a - b));
        expect(mostAtOnce()).toBeLessThanOrEqual(1);
        // Twice as many parts as are in flight: no URL is asked for long before it is used.
        expect(Math.max(0, ...calls.map(({ sign }) => sign.length))).toBeLessThanOrEqual(4);
      }),
      { numRuns: 500 },
    );
  });
});
