export {
  createKafkaSink,
  type KafkaClient,
  type KafkaProducer,
  type KafkaRecord,
  type KafkaSinkOptions,
} from './lib/adapters/kafka/kafka-sink.ts';
