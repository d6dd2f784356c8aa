import { randomUUID } from 'node:crypto';
import type { UploadEvent } from '@longhaul/protocol';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { createKafkaSink } from '../../src/kafka.ts';
import { ATTEMPTS_BEFORE_PARKING, relayEvents, type RelayReport } from '../../src/lib/events/relay.ts';
import type { EventSink } from '../../src/lib/ports/event-sink.ts';
import { noMetrics } from '../../src/lib/ports/metrics.ts';
import { systemClock } from '../../src/lib/system-clock.ts';
import { exampleEvent } from '../../src/lib/testing/event-sink.contract.ts';
import { makeBroker } from '../../../../tests/services/kafka.ts';
import { openRun } from '../../../../tests/services/place.ts';
import { eventOf, kafkaClient, openTopic, type Topic } from '../../../../tests/services/kafka-topic.ts';
import { createMemoryOutbox, type MemoryOutbox } from './memory-outbox.ts';

const brokers = process.env['LONGHAUL_TEST_KAFKA_BROKERS'] ?? '';
const LONGEST_WAIT_MS = 60_000;
const MAX_MESSAGE_BYTES = 1_048_588;

/** Events of several nodes, those of one node in their order. */
function mixedEvents(nodeCount: number, eventsEach: number): UploadEvent[] {
  const nodeIds = Array.from({ length: nodeCount }, () => randomUUID());
  return Array.from({ length: eventsEach }, (_, index) =>
    nodeIds.map((nodeId) => exampleEvent({ data: { nodeId, uploadId: nodeId, name: `event ${index}` } })),
  ).flat();
}

/** Ids by node, a repetition of the one before left out, as a consumer that deduplicates sees them. */
function idsByNode(events: readonly UploadEvent[]): Record<string, string[]> {
  const byNode: Record<string, string[]> = {};
  for (const { id, data } of events) {
    const ids = (byNode[data.nodeId] ??= []);
    if (!ids.includes(id)) ids.push(id);
  }
  return byNode;
}

describe.skipIf(!brokers)('the relay and Kafka (needs LONGHAUL_TEST_KAFKA_BROKERS)', () => {
  let outbox: MemoryOutbox;
  let topic: Topic;
  let sink: EventSink;

  async function open(address: string): Promise<void> {
    topic = await openTopic(address);
    sink = createKafkaSink({ kafka: kafkaClient(address), topic: topic.name });
  }
  async function close(): Promise<void> {
    await sink.close();
    await topic.close();
  }
  function relay(): Promise<RelayReport> {
    return relayEvents({
      outbox,
      sinks: [sink],
      clock: systemClock,
      metrics: noMetrics,
      onError: () => undefined,
    });
  }
  async function arrived(): Promise<UploadEvent[]> {
    return (await topic.read()).map(eventOf);
  }

  beforeEach(() => {
    outbox = createMemoryOutbox();
  });

  describe('that answers', () => {
    beforeAll(() => open(brokers));
    afterAll(close);

    it("get every event, in each node's order and in one partition", async () => {
      const events = mixedEvents(30, 5);
      outbox.write(...events);
      expect(await relay()).toEqual({ sent: 150, retried: 0, parked: 0 });
      expect(idsByNode(await arrived())).toEqual(idsByNode(events));
      const places = new Set((await topic.read()).map(({ key, partition }) => `${key} ${partition}`));
      expect(places.size).toBe(30);
    });

    it('park a message that is too large, and hold back its node alone', async () => {
      const [first, second] = mixedEvents(1, 2);
      const poison = exampleEvent({ data: { ...first!.data, name: 'x'.repeat(MAX_MESSAGE_BYTES) } });
      const others = mixedEvents(3, 3);
      outbox.write(poison, second!, ...others);
      for (let attempt = 1; attempt < ATTEMPTS_BEFORE_PARKING; attempt += 1) {
        expect(await relay()).toMatchObject({ retried: 1, parked: 0 });
        outbox.pass(LONGEST_WAIT_MS);
      }
      expect(await relay()).toEqual({ sent: 0, retried: 0, parked: 1 });
      expect(await outbox.status()).toMatchObject({
        unsentCount: 2,
        parked: [
          { eventId: poison.id, nodeId: second!.data.nodeId, lastError: expect.stringMatching(/larger/) },
        ],
      });
      const seen = await arrived();
      expect(seen).toEqual(expect.arrayContaining(others));
      expect(seen.filter(({ data }) => data.nodeId === second!.data.nodeId)).toEqual([]);
    });
  });

  it('that is stopped keep what comes meanwhile, and get it in order when it is back', async () => {
    const run = await openRun(new AbortController().signal);
    onTestFinished(() => run.close());
    const broker = await makeBroker(run.openPlace());
    await broker.start();
    await open(broker.address);
    const events = mixedEvents(10, 4);
    outbox.write(...events.slice(0, 10));
    expect(await relay()).toMatchObject({ sent: 10 });

    await broker.stop();
    outbox.write(...events.slice(10));
    for (let attempt = 0; attempt < 8; attempt += 1) {
      expect(await relay()).toMatchObject({ sent: 0, parked: 0 });
      outbox.pass(LONGEST_WAIT_MS);
    }
    expect(await outbox.status()).toMatchObject({ unsentCount: 30, parkedCount: 0 });

    await broker.start();
    const unsentAfterRelay = async (): Promise<number> => {
      outbox.pass(LONGEST_WAIT_MS);
      await relay();
      return (await outbox.status()).unsentCount;
    };
    await expect.poll(unsentAfterRelay, { timeout: 60_000, interval: 100 }).toBe(0);
    expect(idsByNode(await arrived())).toEqual(idsByNode(events));
    await close();
  });
});
