import type { KafkaReport } from '../../../ports/server-probes.ts';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

/** Events have less than this. */
const LARGEST_EVENT_BYTES = 65_536;
const ADVISED_REPLICAS = 3;

/** Kafka, where events go there: reachable, with its topic, and keeping what it has acknowledged. */
export async function checkKafka({ kafka, config }: Patient): Promise<readonly Finding[]> {
  if (!kafka) return [];
  const report = await kafka.look();
  if ('unreachable' in report) {
    return [
      {
        id: 'kafka-unreachable',
        level: 'error',
        what: `Kafka (LONGHAUL_KAFKA_BROKERS) cannot be reached: ${report.unreachable}`,
        why: 'uploads do not notice; their events wait in the outbox until it is back',
        fix: 'correct LONGHAUL_KAFKA_BROKERS, LONGHAUL_KAFKA_SSL and the SASL variables',
      },
    ];
  }
  const brokers = config.sinks.kafka?.brokers.join(',') ?? '';
  const { topic, found } = report;
  if (!found) return [missingFinding(report, brokers)];
  const findings = [...replicaFindings(report, found, brokers), ...topicFindings(report, found, brokers)];
  const isGood = findings.every(({ level }) => level === 'note');
  const head = `the topic ${topic} has ${found.partitionCount} partitions and ${found.replicationFactor} replicas of each`;
  return isGood ? [good('kafka', head), ...findings] : findings;
}

type Topic = NonNullable<KafkaReport['found']>;

function missingFinding({ topic, brokerCount }: KafkaReport, brokers: string): Finding {
  const replicas = Math.min(brokerCount, ADVISED_REPLICAS);
  return {
    id: 'kafka-topic-missing',
    level: 'error',
    what: `there is no topic ${topic}`,
    why: 'events wait in the outbox; or the brokers make it with their defaults, which may be one partition and one replica',
    fix:
      `kafka-topics.sh --bootstrap-server ${brokers} --create --topic ${topic} --partitions 6 ` +
      `--replication-factor ${replicas} --config min.insync.replicas=${Math.max(1, replicas - 1)}`,
  };
}

function replicaFindings(
  { topic, brokerCount }: KafkaReport,
  found: Topic,
  brokers: string,
): readonly Finding[] {
  const { replicationFactor, minInSyncReplicas } = found;
  const alter = `kafka-configs.sh --bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${topic} --add-config`;
  const findings: Finding[] = [];
  if (replicationFactor === 1) {
    findings.push({
      id: 'kafka-not-replicated',
      level: brokerCount === 1 ? 'note' : 'warning',
      what: `${topic} has one replica of each partition`,
      why: 'an event that Kafka has acknowledged is gone with the disk of one broker, and the outbox does not tell it again',
      fix:
        brokerCount === 1
          ? 'for production take three brokers'
          : `kafka-reassign-partitions.sh, to ${Math.min(brokerCount, ADVISED_REPLICAS)} replicas`,
    });
  } else if (minInSyncReplicas === 1) {
    findings.push({
      id: 'kafka-acks-weak',
      level: 'warning',
      what: `min.insync.replicas of ${topic} is 1`,
      why: 'events are sent with acks=all, which then means one broker when the others are behind',
      fix: `${alter} min.insync.replicas=2`,
    });
  }
  if (minInSyncReplicas !== undefined && minInSyncReplicas > replicationFactor) {
    findings.push({
      id: 'kafka-acks-impossible',
      level: 'error',
      what: `min.insync.replicas of ${topic} is ${minInSyncReplicas}, and there are ${replicationFactor} replicas`,
      why: 'no event is ever taken: NOT_ENOUGH_REPLICAS',
      fix: `${alter} min.insync.replicas=${Math.max(1, replicationFactor - 1)}`,
    });
  }
  return findings;
}

function topicFindings({ topic }: KafkaReport, found: Topic, brokers: string): readonly Finding[] {
  const { cleanupPolicy = '', maxMessageBytes } = found;
  const alter = `kafka-configs.sh --bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${topic} --add-config`;
  const findings: Finding[] = [];
  if (cleanupPolicy.includes('compact')) {
    findings.push({
      id: 'kafka-compacted',
      level: 'warning',
      what: `cleanup.policy of ${topic} is ${cleanupPolicy}`,
      why: 'of the events of one node only the last is kept: a consumer that comes late misses the earlier ones',
      fix: `${alter} cleanup.policy=delete`,
    });
  }
  if (maxMessageBytes !== undefined && maxMessageBytes < LARGEST_EVENT_BYTES) {
    findings.push({
      id: 'kafka-message-size',
      level: 'warning',
      what: `max.message.bytes of ${topic} is ${maxMessageBytes}`,
      why: 'events with much metadata are refused for good and parked, and the later ones of their upload wait behind them',
      fix: `${alter} max.message.bytes=1048588`,
    });
  }
  return findings;
}
