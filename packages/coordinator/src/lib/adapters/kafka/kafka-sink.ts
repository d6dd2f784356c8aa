import type { UploadEvent } from '@longhaul/protocol';
import { redactText } from '../../redact.ts';
import { type EventSink, EventSinkError } from '../../ports/event-sink.ts';

/** What is used of a client of `kafkajs`. */
export interface KafkaClient {
  producer(config: { readonly retry: { readonly retries: number } }): KafkaProducer;
}

/** What is used of a producer of `kafkajs`. */
export interface KafkaProducer {
  connect(): Promise<void>;
  send(record: KafkaRecord): Promise<unknown>;
  disconnect(): Promise<void>;
}

/** What is sent, as `kafkajs` takes it. */
export interface KafkaRecord {
  topic: string;
  acks: number;
  timeout: number;
  messages: { key: string; value: string; headers: Record<string, string> }[];
}

/** Options of {@link createKafkaSink}. */
export interface KafkaSinkOptions {
  /**
   * A `Kafka` of `kafkajs`. The sink makes a producer of its own. Give it `retry: { retries: 0 }`: the relay repeats, and
   * tells by what it did how long a broker has been away.
   */
  readonly kafka: KafkaClient;
  /** Default `longhaul.uploads`. A topic that is missing is made if the brokers make topics by themselves. */
  readonly topic?: string;
}

/**
 * Tells a Kafka topic how uploads end: CloudEvents 1.0 in Kafka's binary mode (attributes are headers `ce_…`, the value
 * is the JSON of `data`), key = node id. An event is told once every in-sync replica has it.
 *
 * kafkajs makes Node 24 print one `TimeoutNegativeWarning`; it means nothing.
 *
 * @throws TypeError when `topic` is no name of a topic
 * @example
 * import { Kafka, logLevel } from 'kafkajs';
 * const kafka = new Kafka({ brokers: ['127.0.0.1:9092'], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
 * const app = createCoordinator({ ...store, objectStore, tokenKeys, sinks: [createKafkaSink({ kafka })] });
 */
export function createKafkaSink(options: KafkaSinkOptions): EventSink {
  const topic = topicName(options.topic ?? DEFAULT_TOPIC);
  const connection = createConnection(options.kafka);
  return {
    name: `kafka:${topic}`,
    async publish(event) {
      try {
        const producer = await connection.open();
        await producer.send({
          topic,
          acks: ALL_IN_SYNC_REPLICAS,
          timeout: ACK_TIMEOUT_MS,
          messages: [messageOf(event)],
        });
      } catch (error) {
        throw sinkErrorOf(error);
      }
    },
    close: () => connection.close(),
  };
}

const DEFAULT_TOPIC = 'longhaul.uploads';
const ALL_IN_SYNC_REPLICAS = -1;
const ACK_TIMEOUT_MS = 10_000;

/** Refusals that are about this message. Everything else is about the cluster, and one day somebody will mend that. */
const ABOUT_THE_MESSAGE: ReadonlySet<unknown> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
]);

function topicName(topic: string): string {
  if (/^[\w.-]{1,249}$/.test(topic) && !/^\.\.?$/.test(topic)) return topic;
  throw new TypeError(`topic must be 1 to 249 letters, digits, dots, _ and -, got "${topic}"`);
}

function messageOf(event: UploadEvent): KafkaRecord['messages'][number] {
  const { data, datacontenttype, ...attributes } = event;
  const headers = Object.entries(attributes).map(([name, value]) => [`ce_${name}`, value]);
  return {
    key: data.nodeId,
    value: JSON.stringify(data),
    headers: { ...Object.fromEntries(headers), 'content-type': datacontenttype },
  };
}

/** A producer that connects when it is first needed, and again after that has failed. */
function createConnection(kafka: KafkaClient): { open(): Promise<KafkaProducer>; close(): Promise<void> } {
  // Not idempotent: that would drop kafkajs's own repetitions, of which there are none, and sends a third as fast.
  const producer = kafka.producer({ retry: { retries: 0 } });
  let connected: Promise<void> | undefined;
  let isClosed = false;
  return {
    async open() {
      if (isClosed) throw new Error('the sink is closed');
      connected ??= producer.connect().catch((error: unknown) => {
        connected = undefined;
        throw error;
      });
      await connected;
      return producer;
    },
    async close() {
      isClosed = true;
      await connected?.catch(() => undefined);
      await producer.disconnect();
    },
  };
}

function sinkErrorOf(cause: unknown): EventSinkError {
  const causes = causesOf(cause);
  const refusal = causes.find(({ type }) => ABOUT_THE_MESSAGE.has(type));
  const { message } = refusal ?? causes[0] ?? { message: 'something other than an error was thrown' };
  return new EventSinkError(refusal ? 'rejected' : 'unavailable', redactText(message), { cause });
}

/** An error and what caused it; kafkajs keeps the broker's word for it in `type`. */
function causesOf(error: unknown): { readonly message: string; readonly type: unknown }[] {
  if (!(error instanceof Error)) return [];
  const { message } = error;
  return [{ message, type: 'type' in error ? error.type : undefined }, ...causesOf(error.cause)];
}
