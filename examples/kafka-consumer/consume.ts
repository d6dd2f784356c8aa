// Keeps a book of who stores how much, from the events in a Kafka topic. Kill it whenever you like: each event counts once.
import { Kafka, logLevel } from 'kafkajs';
import { openBook } from './book.ts';
import { eventOf } from './upload-event.ts';

const env = process.env;
const book = openBook(env['DATABASE_FILE'] ?? 'uploads.sqlite');
const kafka = new Kafka({
  brokers: (env['KAFKA_BROKERS'] ?? '127.0.0.1:9092').split(','),
  logLevel: logLevel.ERROR,
});
// After a crash the partitions wait this long before the next process gets them; 6 s is the least that brokers allow.
const consumer = kafka.consumer({ groupId: env['KAFKA_GROUP'] ?? 'upload-book', sessionTimeout: 6_000 });

await consumer.connect();
await consumer.subscribe({ topics: [env['KAFKA_TOPIC'] ?? 'longhaul.uploads'], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ topic, partition, message }) => {
    const event = eventOf(message);
    if (event === undefined)
      console.error(`${topic} ${partition}:${message.offset} is no event of an upload`);
    else if (book.enter(event)) console.log(`${event.type} ${event.data.owner} ${event.data.key}`);
    else console.log(`${event.id} again`);
    // Only now: had the offset been committed first, a crash between the two would lose the event.
    const offset = String(BigInt(message.offset) + 1n);
    await consumer.commitOffsets([{ topic, partition, offset }]);
  },
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void consumer.disconnect().then(() => book.close()));
}
