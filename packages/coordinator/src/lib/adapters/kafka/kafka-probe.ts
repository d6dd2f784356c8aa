import type { KafkaReport, ServerProbe } from '../../ports/server-probes.ts';

/** What is used of a client of `kafkajs`. */
export interface ProbedKafka {
  admin(config: { readonly retry: { readonly retries: number } }): ProbedAdmin;
}

/** What is used of an admin of `kafkajs`. */
export interface ProbedAdmin {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  listTopics(): Promise<string[]>;
  describeCluster(): Promise<{ readonly brokers: readonly unknown[] }>;
  fetchTopicMetadata(options: { topics: string[] }): Promise<{
    readonly topics: readonly {
      readonly partitions: readonly { readonly leader: number; readonly replicas: readonly number[] }[];
    }[];
  }>;
  describeConfigs(options: {
    resources: { type: number; name: string; configNames?: string[] }[];
    includeSynonyms: boolean;
  }): Promise<{
    readonly resources: readonly {
      readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
    }[];
  }>;
}

/** `ConfigResourceTypes.TOPIC` of kafkajs, which is no more than a number. */
const TOPIC_RESOURCE = 2;
const CONFIG_NAMES = ['cleanup.policy', 'max.message.bytes', 'min.insync.replicas'];

/** Looks at a topic. Makes none: asking for the metadata of one that is missing would. */
export function createKafkaProbe({
  kafka,
  topic,
}: {
  readonly kafka: ProbedKafka;
  readonly topic: string;
}): ServerProbe<KafkaReport> {
  const admin = kafka.admin({ retry: { retries: 0 } });
  return {
    async look() {
      try {
        await admin.connect();
        const { brokers } = await admin.describeCluster();
        const isThere = (await admin.listTopics()).includes(topic);
        return {
          topic,
          brokerCount: brokers.length,
          found: isThere ? await describeTopic(admin, topic) : undefined,
        };
      } catch (error) {
        return { unreachable: error instanceof Error ? error.message : String(error) };
      }
    },
    close: () => admin.disconnect(),
  };
}

async function describeTopic(admin: ProbedAdmin, topic: string): Promise<KafkaReport['found']> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  const partitions = topics[0]?.partitions ?? [];
  const config = await configOf(admin, topic);
  return {
    partitionCount: partitions.length,
    replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
    partitionsWithoutLeader: partitions.filter(({ leader }) => leader < 0).length,
    minInSyncReplicas: numberOf(config.get('min.insync.replicas')),
    cleanupPolicy: config.get('cleanup.policy'),
    maxMessageBytes: numberOf(config.get('max.message.bytes')),
  };
}

/** Empty where the credentials may not read it: that is no reason to fail. */
async function configOf(admin: ProbedAdmin, topic: string): Promise<ReadonlyMap<string, string>> {
  try {
    const { resources } = await admin.describeConfigs({
      resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: CONFIG_NAMES }],
      includeSynonyms: false,
    });
    const entries = resources[0]?.configEntries ?? [];
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch {
    return new Map();
  }
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
