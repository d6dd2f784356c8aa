import { createHash } from 'node:crypto';
import type { Canary } from './scan.ts';

/** Characters that every encoding writes in another way. */
const ODD = '/+ "&<é>%\\';

const customer = Buffer.from('cANaRy customer key of 32 bytes!').toString('base64');
const next = Buffer.from('cANaRy another key of 32 bytes!!').toString('base64');
const master = Buffer.from('cANaRy master key of 32 bytes!!!').toString('base64');

/** The secrets of an installation. Each is told from the others wherever it is seen. */
export const SECRETS = {
  s3Secret: `cANaRy-s3-secret${ODD}`,
  // Travels in a header.
  sessionToken: 'cANaRy-session-token/+=',
  tokenKey: 'cANaRy-token-key-that-is-long-enough',
  oldTokenKey: 'cANaRy-old-token-key-that-is-long-enough',
  webhookSecret: `whsec_${Buffer.from('cANaRy webhook secret, 32 bytes!').toString('base64')}`,
  databasePassword: `cANaRy-database${ODD}`,
  redisPassword: 'cANaRy-redis/+&<é>%\\',
  kafkaPassword: `cANaRy-kafka${ODD}`,
  metricsToken: 'cANaRy-metrics-token',
  masterKey: master,
  apiKey: 'cANaRy-api-key-of-a-service-0123456789',
  /** Of an upload with SSE-C. The coordinator never has it. */
  customerKey: customer,
  /** Of what that object is streamed to. */
  nextCustomerKey: next,
  /** What a client should not have sent. */
  straySecret: `cANaRy-stray${ODD}`,
} as const;

/** The file of API keys that lets {@link SECRETS.apiKey} in. */
export const API_KEYS = `owner-of-canaries ${createHash('sha256').update(SECRETS.apiKey).digest('hex')}`;

/** Those that are known beforehand; of the webhook and of the master key also their bytes. */
export const CANARIES: readonly Canary[] = [
  ...Object.entries(SECRETS).map(([name, value]) => ({ name, value })),
  { name: 'bytes of webhookSecret', value: 'cANaRy webhook secret, 32 bytes!' },
  { name: 'bytes of customerKey', value: 'cANaRy customer key of 32 bytes!' },
  { name: 'bytes of nextCustomerKey', value: 'cANaRy another key of 32 bytes!!' },
  { name: 'bytes of masterKey', value: 'cANaRy master key of 32 bytes!!!' },
];
