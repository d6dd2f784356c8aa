import { randomUUID } from 'node:crypto';
import type { UploadEvent } from '@longhaul/protocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { createListenerSink } from '../../src/lib/events/listener-sink.ts';
import { ATTEMPTS_BEFORE_PARKING, type RelayContext, relayEvents } from '../../src/lib/events/relay.ts';
import { type EventSink, EventSinkError } from '../../src/lib/ports/event-sink.ts';
import { noMetrics } from '../../src/lib/ports/metrics.ts';
import { systemClock } from '../../src/lib/system-clock.ts';
import { exampleEvent } from '../../src/lib/testing/event-sink.contract.ts';
import { createMemoryOutbox, type MemoryOutbox } from './memory-outbox.ts';

const LONGEST_WAIT_MS = 60_000;

let outbox: MemoryOutbox;
let told: unknown[];

beforeEach(() => {
  outbox = createMemoryOutbox();
  told = [];
});

function relay(
  sinks: readonly EventSink[],
  wish: Parameters<typeof relayEvents>[1] = {},
  changes: Partial<RelayContext> = {},
): ReturnType<typeof relayEvents> {
  const onError = (error: unknown): void => void told.push(error);
  return relayEvents({ outbox, sinks, clock: systemClock, metrics: noMetrics, onError, ...changes }, wish);
}

/** A sink that keeps what it takes. `trouble` decides, by throwing, what it does not take. */
function recorder(
  name = 'recorder',
  trouble: (event: UploadEvent) => void = () => undefined,
): EventSink & { readonly taken: UploadEvent[] } {
  const taken: UploadEvent[] = [];
  return {
    name,
    taken,
    async publish(event) {
      trouble(event);
      taken.push(event);
    },
    close: async () => undefined,
  };
}

const away = (): never => {
  throw new EventSinkError('unavailable', 'nobody there');
};
const refuse = (): never => {
  throw new EventSinkError('rejected', 'too large');
};

function eventsOfOneNode(count: number): UploadEvent[] {
  const nodeId = randomUUID();
  return Array.from({ length: count }, () => exampleEvent({ data: { nodeId, uploadId: nodeId } }));
}

function eventsOfManyNodes(count: number): UploadEvent[] {
  return Array.from({ length: count }, () => exampleEvent());
}

async function relayFor(rounds: number, sinks: readonly EventSink[]): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await relay(sinks);
    outbox.pass(LONGEST_WAIT_MS);
  }
}

describe('what is due', () => {
  it('is told, of every node, until nothing is left', async () => {
    const events = eventsOfManyNodes(100);
    outbox.write(...events);
    const sink = recorder();
    expect(await relay([sink])).toEqual({ sent: 100, retried: 0, parked: 0 });
    expect(new Set(sink.taken)).toEqual(new Set(events));
    expect(await outbox.status()).toMatchObject({ unsentCount: 0 });
    expect(await relay([sink])).toEqual({ sent: 0, retried: 0, parked: 0 });
  });

  it("is told in each node's order", async () => {
    const [first, second] = [eventsOfOneNode(5), eventsOfOneNode(5)];
    outbox.write(...first.flatMap((event, index) => [event, second[index]!]));
    const sink = recorder();
    expect(await relay([sink])).toMatchObject({ sent: 10 });
    for (const events of [first, second]) {
      const { nodeId } = events[0]!.data;
      expect(sink.taken.filter(({ data }) => data.nodeId === nodeId)).toEqual(events);
    }
  });

  it('is told to many at once, not one after the other', async () => {
    outbox.write(...eventsOfManyNodes(10));
    let waiting = 0;
    let release = (): void => undefined;
    const all = new Promise<void>((resolve) => (release = resolve));
    const sink = createListenerSink(async () => {
      waiting += 1;
      if (waiting === 10) release();
      await all;
    });
    expect(await relay([sink])).toMatchObject({ sent: 10 });
  });

  it.each([0, 1, 40])('is told up to a limit of %d', async (limit) => {
    outbox.write(...eventsOfManyNodes(50));
    const sink = recorder();
    expect(await relay([sink], { limit })).toEqual({ sent: limit, retried: 0, parked: 0 });
    expect(sink.taken).toHaveLength(limit);
  });

  it('waits when there is nobody to tell', async () => {
    outbox.write(exampleEvent());
    expect(await relay([])).toEqual({ sent: 0, retried: 0, parked: 0 });
    expect(outbox.claimCount).toBe(0);
    expect(await relay([recorder()])).toMatchObject({ sent: 1 });
  });

  it('is left once a signal says so', async () => {
    outbox.write(...eventsOfOneNode(3));
    const stop = new AbortController();
    const sink = createListenerSink(() => stop.abort());
    expect(await relay([sink], { signal: stop.signal })).toMatchObject({ sent: 1 });
    expect(await relay([sink], { signal: stop.signal })).toMatchObject({ sent: 0 });
  });
});

describe('several sinks', () => {
  it('are all told, and none twice because of another', async () => {
    const event = exampleEvent();
    outbox.write(event);
    let isAway = true;
    const [healthy, flaky] = [recorder('healthy'), recorder('flaky', () => isAway && away())];
    expect(await relay([healthy, flaky])).toEqual({ sent: 0, retried: 1, parked: 0 });
    outbox.pass(LONGEST_WAIT_MS);
    expect(await relay([healthy, flaky])).toEqual({ sent: 0, retried: 1, parked: 0 });
    isAway = false;
    outbox.pass(LONGEST_WAIT_MS);
    expect(await relay([healthy, flaky])).toEqual({ sent: 1, retried: 0, parked: 0 });
    expect(healthy.taken).toEqual([event]);
    expect(flaky.taken).toEqual([event]);
  });

  it('do not park an event while one of them is only away', async () => {
    const event = exampleEvent();
    outbox.write(event);
    let isAway = true;
    const [strict, flaky] = [recorder('strict', refuse), recorder('flaky', () => isAway && away())];
    await relayFor(2 * ATTEMPTS_BEFORE_PARKING, [strict, flaky]);
    expect(await outbox.status()).toMatchObject({ parkedCount: 0, unsentCount: 1 });
    isAway = false;
    expect(await relay([strict, flaky])).toEqual({ sent: 0, retried: 0, parked: 1 });
    expect(flaky.taken).toEqual([event]);
  });
});

describe('a sink that is away', () => {
  it('is tried again for ever, and told in order when it is back', async () => {
    const events = eventsOfOneNode(3);
    outbox.write(...events);
    let isAway = true;
    const sink = recorder('sink', () => isAway && away());
    await relayFor(30, [sink]);
    expect(await outbox.status()).toMatchObject({ unsentCount: 3, parkedCount: 0 });
    isAway = false;
    expect(await relay([sink])).toEqual({ sent: 3, retried: 0, parked: 0 });
    expect(sink.taken).toEqual(events);
  });

  it('is tried again after waits that grow to a minute', async () => {
    const event = exampleEvent();
    outbox.write(event);
    const sink = recorder('sink', away);
    const waitsMs: number[] = [];
    for (let attempt = 0; attempt < 9; attempt += 1) {
      await relay([sink]);
      waitsMs.push(outbox.dueInMs(event.id));
      outbox.pass(outbox.dueInMs(event.id));
    }
    expect(waitsMs).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1000));
  });

  it('is not asked for each event of a long queue', async () => {
    outbox.write(...eventsOfManyNodes(500));
    const sink = recorder('sink', away);
    const { retried } = await relay([sink]);
    expect(retried).toBeGreaterThan(0);
    expect(retried).toBeLessThan(100);
    expect(outbox.claimCount).toBe(1);
  });

  it('keeps no event of a long queue from one that is not away', async () => {
    outbox.write(...eventsOfManyNodes(200));
    const healthy = recorder('healthy');
    expect(await relay([recorder('sink', away), healthy])).toEqual({ sent: 0, retried: 200, parked: 0 });
    expect(healthy.taken).toHaveLength(200);
  });

  it('holds back no new event behind those that wait for it, and is not asked for each of them', async () => {
    outbox.write(...eventsOfManyNodes(200));
    let asked = 0;
    const lost = recorder('lost', () => {
      asked += 1;
      away();
    });
    const healthy = recorder('healthy');
    await relay([lost, healthy]);
    outbox.pass(LONGEST_WAIT_MS);
    const fresh = exampleEvent();
    outbox.write(fresh);
    asked = 0;
    await relay([lost, healthy]);
    expect(healthy.taken.at(-1)).toEqual(fresh);
    expect(asked).toBeLessThan(100);
  });

  it('is complained of once a call, and named in the outbox', async () => {
    const event = exampleEvent();
    outbox.write(event, ...eventsOfManyNodes(20));
    await relay([recorder('kafka:a', away), recorder('webhook', away)]);
    expect(told).toHaveLength(2);
    const settled = createMemoryOutbox();
    settled.write(event);
    const outcomes: unknown[] = [];
    const spy = { ...settled, settle: async (_id: string, outcome: unknown) => void outcomes.push(outcome) };
    await relay([recorder('kafka:a', away), recorder('webhook', away)], {}, { outbox: spy });
    expect(outcomes).toMatchObject([{ lastError: 'kafka:a: nobody there; webhook: nobody there' }]);
  });

  it('counts as away when it does not answer', async () => {
    const event = exampleEvent();
    outbox.write(event);
    const sink = createListenerSink(() => new Promise<void>(() => undefined));
    const sleeps: number[] = [];
    const clock = { ...systemClock, sleep: async (delayMs: number) => void sleeps.push(delayMs) };
    expect(await relay([sink], {}, { clock })).toEqual({ sent: 0, retried: 1, parked: 0 });
    expect(sleeps).toEqual([30_000]);
    expect(told).toMatchObject([{ kind: 'unavailable', message: 'no answer within 30 s' }]);
  });
});

describe('an event that is refused', () => {
  it('is parked at its fifth attempt, and holds back its node alone', async () => {
    const [poison, behind] = eventsOfOneNode(2);
    const others = eventsOfManyNodes(40);
    outbox.write(poison!, behind!, ...others);
    const sink = recorder('sink', (event) => event === poison && refuse());
    for (let attempt = 1; attempt < ATTEMPTS_BEFORE_PARKING; attempt += 1) {
      expect(await relay([sink])).toMatchObject({ retried: 1, parked: 0 });
      outbox.pass(LONGEST_WAIT_MS);
    }
    expect(new Set(sink.taken)).toEqual(new Set(others));
    expect(await relay([sink])).toEqual({ sent: 0, retried: 0, parked: 1 });
    await relayFor(10, [sink]);
    expect(sink.taken).not.toContain(behind);
    expect(await outbox.status()).toMatchObject({
      unsentCount: 2,
      parked: [{ eventId: poison!.id, attempts: ATTEMPTS_BEFORE_PARKING, lastError: 'sink: too large' }],
    });
    expect(told.at(-1)).toMatchObject({
      message: expect.stringMatching(`${poison!.id} .*is parked.*too large`),
    });
  });

  it('is told after a replay, and what waited behind it', async () => {
    const [poison, behind] = eventsOfOneNode(2);
    outbox.write(poison!, behind!);
    let isStrict = true;
    const sink = recorder('sink', (event) => isStrict && event === poison && refuse());
    await relayFor(ATTEMPTS_BEFORE_PARKING, [sink]);
    isStrict = false;
    expect(await relay([sink])).toMatchObject({ sent: 0 });
    await outbox.replay({ kind: 'parked' });
    expect(await relay([sink])).toMatchObject({ sent: 2 });
    expect(sink.taken).toEqual([poison, behind]);
  });

  it('gets more than a minute before it is parked', async () => {
    const event = exampleEvent();
    outbox.write(event);
    let waitedMs = 0;
    for (let attempt = 1; attempt < ATTEMPTS_BEFORE_PARKING; attempt += 1) {
      await relay([recorder('sink', refuse)]);
      waitedMs += outbox.dueInMs(event.id);
      outbox.pass(outbox.dueInMs(event.id));
    }
    expect(await relay([recorder('sink', refuse)])).toMatchObject({ parked: 1 });
    expect(waitedMs).toBeGreaterThan(60_000);
  });
});

describe('what goes into the outbox', () => {
  it('is no word of an error that was not made for it, and not too long', async () => {
    const outcomes: { lastError?: string }[] = [];
    const spy = { ...outbox, settle: async (_id: string, outcome: object) => void outcomes.push(outcome) };
    const throws = (error: unknown): EventSink =>
      recorder('sink', () => {
        throw error;
      });
    outbox.write(...eventsOfManyNodes(1));
    await relay([throws(new TypeError('password=hidden'))], {}, { outbox: spy });
    outbox.pass(2 * LONGEST_WAIT_MS);
    await relay([throws('hidden')], {}, { outbox: spy });
    outbox.pass(2 * LONGEST_WAIT_MS);
    await relay([throws(new EventSinkError('unavailable', 'x'.repeat(5_000)))], {}, { outbox: spy });
    expect(outcomes.map(({ lastError }) => lastError?.slice(0, 20))).toEqual([
      'sink: TypeError',
      'sink: Error',
      `sink: ${'x'.repeat(14)}`,
    ]);
    expect(outcomes.at(-1)?.lastError?.length).toBeLessThan(1_000);
  });
});

describe('a database that goes away in the middle', () => {
  it('fails the call after what is under way, and events are told again with the same id', async () => {
    const events = eventsOfManyNodes(3);
    outbox.write(...events);
    const sink = recorder();
    let failures = 0;
    const settle: MemoryOutbox['settle'] = async (...settled) => {
      failures += 1;
      if (failures === 1) throw new Error('connection lost');
      await outbox.settle(...settled);
    };
    await expect(relay([sink], {}, { outbox: { ...outbox, settle } })).rejects.toThrow('connection lost');
    expect(await outbox.status()).toMatchObject({ unsentCount: 1 });
    expect(await relay([sink])).toMatchObject({ sent: 0 });
    outbox.pass(LONGEST_WAIT_MS);
    expect(await relay([sink])).toMatchObject({ sent: 1 });
    expect(sink.taken.map(({ id }) => id)).toEqual([...events.map(({ id }) => id), events[0]!.id]);
  });

  it('fails the call when nothing can be claimed', async () => {
    const claim = async (): Promise<never> => {
      throw new Error('connection refused');
    };
    await expect(relay([recorder()], {}, { outbox: { ...outbox, claim } })).rejects.toThrow(
      'connection refused',
    );
  });
});
