import { randomUUID } from 'node:crypto';
import type { UploadEvent } from '@longhaul/protocol';
import { Kafka, logLevel } from 'kafkajs';

/** A client of a broker, as the sink wants it. */
export function kafkaClient(brokers: string): Kafka {
  return new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    requestTimeout: 10_000,
    retry: { retries: 0 },
  });
}

/** A message as a consumer sees it. */
export interface Message {
  readonly key: string;
  readonly partition: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}

/** A topic of a test's own, and everything that arrives there. */
export interface Topic {
  readonly name: string;
  /** All that was there when this was called, in the order of each partition. */
  read(): Promise<readonly Message[]>;
  close(): Promise<void>;
}

/** Makes a topic with three partitions. */
export async function openTopic(brokers: string): Promise<Topic> {
  const name = `test.${randomUUID()}`;
  // Unlike the sink, it loses patience only when the test does.
  const kafka = new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 200, maxRetryTime: 500 },
  });
  const admin = kafka.admin();
  await admin.connect();
  // Its own wait for leaders fails when the broker has not heard of the topic yet.
  await admin.createTopics({ topics: [{ topic: name, numPartitions: 3 }], waitForLeaders: false });
  await untilKnown(() => admin.fetchTopicMetadata({ topics: [name] }));
  const messages: Message[] = [];
  const consumer = kafka.consumer({ groupId: name, maxWaitTimeInMs: 100 });
  await consumer.connect();
  await consumer.subscribe({ topics: [name], fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([header, value]) => [header, String(value)]);
      const value = String(message.value);
      messages.push({ key: String(message.key), partition, headers: Object.fromEntries(headers), value });
    },
  });
  return {
    name,
    async read() {
      const offsets = await admin.fetchTopicOffsets(name);
      const count = offsets.reduce((sum, { high }) => sum + Number(high), 0);
      while (messages.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
      return [...messages];
    },
    async close() {
      await consumer.disconnect();
      await admin.disconnect();
    },
  };
}

async function untilKnown(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt === 200) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** The event that a message carries, by the binary mode of the Kafka binding of CloudEvents. */
export function eventOf({ headers, value }: Message): UploadEvent {
  const attributes = Object.entries(headers).map(([name, text]) =>
    name === 'content-type' ? ['datacontenttype', text] : [name.replace(/^ce_/, ''), text],
  );
  return { ...Object.fromEntries(attributes), data: JSON.parse(value) } as UploadEvent;
}
