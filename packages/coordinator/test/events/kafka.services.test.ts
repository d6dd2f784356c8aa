import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeEventSink, exampleEvent } from '../../src/lib/testing/event-sink.contract.ts';
import { createKafkaSink } from '../../src/kafka.ts';
import { type Broker, makeBroker } from '../../../../tests/services/kafka.ts';
import { openRun, type Run } from '../../../../tests/services/place.ts';
import { eventOf, kafkaClient, openTopic, type Topic } from '../../../../tests/services/kafka-topic.ts';

const brokers = process.env['LONGHAUL_TEST_KAFKA_BROKERS'] ?? '';
const MAX_MESSAGE_BYTES = 1_048_588;

describe.skipIf(!brokers)('Kafka (needs LONGHAUL_TEST_KAFKA_BROKERS)', () => {
  let run: Run;
  let broker: Broker;

  // A broker of its own, because it is stopped.
  beforeAll(async () => {
    run = await openRun(new AbortController().signal);
    broker = await makeBroker(run.openPlace());
    await broker.start();
  });
  afterAll(() => run.close());

  describeEventSink('Kafka', async () => {
    const topic = await openTopic(broker.address);
    return {
      sink: createKafkaSink({ kafka: kafkaClient(broker.address), topic: topic.name }),
      async received(nodeId) {
        const messages = await topic.read();
        return messages.filter(({ key }) => key === nodeId).map(eventOf);
      },
      refusedEvent: () => exampleEvent({ data: { name: 'x'.repeat(MAX_MESSAGE_BYTES) } }),
      outage: { begin: broker.stop, end: broker.start },
      dispose: topic.close,
    };
  });
});

describe.skipIf(!brokers)('Kafka sink (needs LONGHAUL_TEST_KAFKA_BROKERS)', () => {
  let topic: Topic;

  beforeAll(async () => {
    topic = await openTopic(brokers);
  });
  afterAll(() => topic.close());

  it('sends CloudEvents 1.0 in binary mode, with the node as key', async () => {
    const sink = createKafkaSink({ kafka: kafkaClient(brokers), topic: topic.name });
    const event = exampleEvent();
    await sink.publish(event);
    const [message] = await topic.read();
    expect(message).toEqual({
      key: event.data.nodeId,
      partition: expect.any(Number),
      headers: {
        ce_specversion: '1.0',
        ce_id: event.id,
        ce_source: '/longhaul/7f0c/buckets/media',
        ce_type: 'io.longhaul.upload.completed.v1',
        ce_subject: event.data.key,
        ce_time: '2026-11-27T16:30:00.123Z',
        'content-type': 'application/json',
      },
      value: JSON.stringify(event.data),
    });
    await sink.close();
  });

  it.each(['', 'a b', '..', 'x'.repeat(250)])('refuses %j as the name of a topic', (name) => {
    expect(() => createKafkaSink({ kafka: kafkaClient(brokers), topic: name })).toThrow(TypeError);
  });

  it('waits for somebody to make the topic, where topics are not made by themselves', async () => {
    const kafka = kafkaClient(brokers);
    const withoutCreation = {
      producer: () => kafka.producer({ retry: { retries: 0 }, allowAutoTopicCreation: false }),
    };
    const sink = createKafkaSink({ kafka: withoutCreation, topic: 'test.never-made' });
    await expect(sink.publish(exampleEvent())).rejects.toMatchObject({ kind: 'unavailable' });
    await sink.close();
  });
});
