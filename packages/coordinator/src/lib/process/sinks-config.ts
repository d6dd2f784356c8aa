import { isLoopbackHost } from '../http/origins.ts';
import type { Secret } from '../secret.ts';
import type { EnvReader } from './env-reader.ts';

/** Who is told of events. With nobody they wait in the catalog. */
export interface SinksConfig {
  readonly kafka: KafkaConfig | undefined;
  readonly webhook: WebhookConfig | undefined;
}

/** A topic of Kafka. */
export interface KafkaConfig {
  /** `host:port` each. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly ssl: boolean;
  readonly sasl: KafkaLogin | undefined;
}

/** Ways to log in to Kafka. */
type Mechanism = 'plain' | 'scram-sha-256' | 'scram-sha-512';

/** How a Kafka client says who it is. */
export type KafkaLogin = {
  readonly [Name in Mechanism]: {
    readonly mechanism: Name;
    readonly username: string;
    readonly password: Secret;
  };
}[Mechanism];

/** An address that takes signed calls. */
export interface WebhookConfig {
  readonly url: string;
  readonly secret: Secret;
}

const MECHANISMS: readonly Mechanism[] = ['plain', 'scram-sha-256', 'scram-sha-512'];
const DEFAULT_TOPIC = 'longhaul.uploads';
const BROKER = /^([^\s:/@[\]]+|\[[\da-fA-F:.]+\]):\d{1,5}$/;
const TOPIC = /^(?!\.{1,2}$)[\w.-]{1,249}$/;

/** Variables of the sinks and what they mean, for `--help`. */
export const SINK_VARIABLES: readonly (readonly [name: string, meaning: string])[] = [
  ['LONGHAUL_KAFKA_BROKERS', 'host:port, several separated by commas: tells events to Kafka'],
  ['LONGHAUL_KAFKA_TOPIC', `topic; default ${DEFAULT_TOPIC}`],
  ['LONGHAUL_KAFKA_SSL', 'true or false; default false'],
  ['LONGHAUL_KAFKA_USERNAME', 'with LONGHAUL_KAFKA_PASSWORD: logs in by SASL'],
  ['LONGHAUL_KAFKA_PASSWORD', 'its password'],
  ['LONGHAUL_KAFKA_SASL_MECHANISM', `${MECHANISMS.join(', ')}; default scram-sha-512`],
  ['LONGHAUL_WEBHOOK_URL', 'https://…: tells events by signed calls; needs LONGHAUL_WEBHOOK_SECRET'],
  ['LONGHAUL_WEBHOOK_SECRET', 'key that signs the calls: whsec_ and 24 to 64 bytes in base64'],
];

/** Reads who is told of events. What is wrong is added to the reader's problems; no value of theirs is repeated. */
export function readSinks(reader: EnvReader): SinksConfig {
  return { kafka: readKafka(reader), webhook: readWebhook(reader) };
}

function readKafka(reader: EnvReader): KafkaConfig | undefined {
  const brokers = reader.list('LONGHAUL_KAFKA_BROKERS');
  const kafka = {
    topic: reader.text('LONGHAUL_KAFKA_TOPIC') ?? DEFAULT_TOPIC,
    ssl: reader.boolean('LONGHAUL_KAFKA_SSL', false),
    sasl: readLogin(reader),
  };
  if (brokers === undefined) {
    const alone = SINK_VARIABLES.map(([name]) => name).filter(
      (name) => name.startsWith('LONGHAUL_KAFKA_') && reader.text(name) !== undefined,
    );
    if (alone.length > 0) reader.problems.push(`LONGHAUL_KAFKA_BROKERS is required with ${alone.join(', ')}`);
    return undefined;
  }
  if (!brokers.every((broker) => BROKER.test(broker)))
    reader.problems.push('LONGHAUL_KAFKA_BROKERS must hold host:port, several separated by commas');
  if (!TOPIC.test(kafka.topic))
    reader.problems.push(
      `LONGHAUL_KAFKA_TOPIC must have up to 249 letters, digits, dots, underscores or hyphens, got "${kafka.topic}"`,
    );
  return { brokers, ...kafka };
}

function readLogin(reader: EnvReader): KafkaLogin | undefined {
  const username = reader.text('LONGHAUL_KAFKA_USERNAME');
  const password = reader.secret('LONGHAUL_KAFKA_PASSWORD');
  const given = reader.choice('LONGHAUL_KAFKA_SASL_MECHANISM', 'scram-sha-512', MECHANISMS);
  if (username !== undefined && password !== undefined) {
    const mechanism = MECHANISMS.find((known) => known === given) ?? 'scram-sha-512';
    return { mechanism, username, password };
  }
  if (username !== undefined)
    reader.problems.push('LONGHAUL_KAFKA_PASSWORD is required with LONGHAUL_KAFKA_USERNAME');
  if (password !== undefined)
    reader.problems.push('LONGHAUL_KAFKA_USERNAME is required with LONGHAUL_KAFKA_PASSWORD');
  return undefined;
}

function readWebhook(reader: EnvReader): WebhookConfig | undefined {
  const address = reader.text('LONGHAUL_WEBHOOK_URL');
  const url = reader.url('LONGHAUL_WEBHOOK_URL', ['https:', 'http:']);
  const secret = reader.secret('LONGHAUL_WEBHOOK_SECRET');
  if (url !== undefined) reader.problems.push(...addressProblems(new URL(url)));
  if (secret !== undefined && !isSecret(secret.reveal()))
    reader.problems.push(
      'LONGHAUL_WEBHOOK_SECRET must be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32)',
    );
  if ((address === undefined) !== (secret === undefined)) {
    const [missing, given] = address === undefined ? ['URL', 'SECRET'] : ['SECRET', 'URL'];
    reader.problems.push(`LONGHAUL_WEBHOOK_${missing} is required with LONGHAUL_WEBHOOK_${given}`);
  }
  return url !== undefined && secret !== undefined ? { url, secret } : undefined;
}

function addressProblems({ protocol, hostname, username, password }: URL): string[] {
  const problems: string[] = [];
  if (protocol === 'http:' && !isLoopbackHost(hostname))
    problems.push('LONGHAUL_WEBHOOK_URL must begin with https:// unless it leads to this machine');
  if (`${username}${password}` !== '')
    problems.push('LONGHAUL_WEBHOOK_URL must hold no user name or password');
  return problems;
}

/** As Standard Webhooks writes secrets. */
function isSecret(text: string): boolean {
  const [, base64 = ''] = /^whsec_([A-Za-z\d+/]+={0,2})$/.exec(text) ?? [];
  const { length } = Buffer.from(base64, 'base64');
  return length >= 24 && length <= 64;
}
