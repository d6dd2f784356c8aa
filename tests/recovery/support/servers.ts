import type { Servers } from './lane.ts';

const ADDRESSES = {
  postgresUrl: 'LONGHAUL_TEST_POSTGRES_URL',
  redisUrl: 'LONGHAUL_TEST_REDIS_URL',
  kafkaBrokers: 'LONGHAUL_TEST_KAFKA_BROKERS',
} as const;

/** The servers that the environment names, with one of the stores; or what is missing, in words. */
export function serversOf(profile: 'versitygw' | 'ceph' | 'minio'): Servers | string {
  const prefix = `LONGHAUL_TEST_${profile.toUpperCase()}`;
  const names = [...Object.values(ADDRESSES), `${prefix}_URL`];
  const missing = names.filter((name) => !process.env[name]);
  if (missing.length > 0) return `needs ${missing.join(', ')}`;
  const read = (name: string): string => process.env[name] ?? '';
  return {
    postgresUrl: read(ADDRESSES.postgresUrl),
    redisUrl: read(ADDRESSES.redisUrl),
    kafkaBrokers: read(ADDRESSES.kafkaBrokers),
    store: {
      profile,
      endpoint: read(`${prefix}_URL`),
      credentials: {
        accessKeyId: read(`${prefix}_ACCESS_KEY_ID`),
        secretAccessKey: read(`${prefix}_SECRET_ACCESS_KEY`),
      },
    },
  };
}

/** For the name of a suite: its store, or why it is skipped. */
export function describeServers(servers: Servers | string): string {
  return typeof servers === 'string' ? servers : servers.store.profile;
}
