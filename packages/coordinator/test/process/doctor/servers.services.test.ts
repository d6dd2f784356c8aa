import { randomUUID } from 'node:crypto';
import { createLocalS3, type Listening } from '@longhaul/local-s3';
import { Redis } from 'ioredis';
import { Kafka, logLevel } from 'kafkajs';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPostgresCatalog } from '../../../src/postgres.ts';
import { type DoctorRun, runDoctor, troubles } from './run-doctor.ts';

const {
  LONGHAUL_TEST_REDIS_URL: redisUrl = '',
  LONGHAUL_TEST_REDIS_CLUSTER: clusterNodes = '',
  LONGHAUL_TEST_POSTGRES_URL: postgresUrl = '',
  LONGHAUL_TEST_KAFKA_BROKERS: brokers = '',
} = process.env;

const credentials = { accessKeyId: 'local', secretAccessKey: 'local-secret' };
let store: Listening;

beforeAll(async () => {
  store = await createLocalS3({ storage: { kind: 'memory' }, credentials, buckets: ['uploads'] }).listen();
});
afterAll(async () => {
  await store.close();
});

function look(env: Readonly<Record<string, string>>): Promise<DoctorRun> {
  return runDoctor(credentials, {
    S3_BUCKET: 'uploads',
    S3_ENDPOINT: store.url,
    S3_PROFILE: 'local-s3',
    LONGHAUL_TOKEN_KEYS: randomUUID(),
    ...env,
  });
}

/** Postgres and Redis go together; whichever is not looked at leads nowhere. */
const NOWHERE = {
  LONGHAUL_DATABASE_URL: 'postgres://127.0.0.1:1/x',
  LONGHAUL_REDIS_URL: 'redis://127.0.0.1:1',
};

describe.skipIf(redisUrl === '')(
  `doctor on Redis${redisUrl ? '' : ' (needs LONGHAUL_TEST_REDIS_URL)'}`,
  () => {
    const lookAt = (url: string): Promise<DoctorRun> => look({ ...NOWHERE, LONGHAUL_REDIS_URL: url });

    /** Settings of the server, for the time of one look; others that run at the same time do not mind them. */
    async function withConfig(
      settings: Readonly<Record<string, string>>,
      work: () => Promise<void>,
    ): Promise<void> {
      const redis = new Redis(redisUrl);
      const before: [string, string][] = [];
      try {
        for (const [name, value] of Object.entries(settings)) {
          const [, was = ''] = (await redis.config('GET', name)) as string[];
          before.push([name, was]);
          await redis.config('SET', name, value);
        }
        await work();
      } finally {
        for (const [name, value] of before) await redis.config('SET', name, value);
        await redis.quit();
      }
    }

    it('is content with one that is right', async () => {
      const run = await lookAt(redisUrl);
      expect(run.finding('redis').level).toBe('good');
      expect(troubles(run)).toEqual(['postgres-unreachable']);
      const redis = new Redis(redisUrl);
      expect(await redis.keys('upload:{doctor-*')).toEqual([]);
      await redis.quit();
    });

    it('finds one that evicts, and its command mends it', async () => {
      await withConfig({ 'maxmemory-policy': 'allkeys-lru' }, async () => {
        const { fix = '' } = (await lookAt(redisUrl)).finding('redis-evicts');
        const [, name = '', value = ''] = /CONFIG SET (\S+) (\S+)/.exec(fix) ?? [];
        const redis = new Redis(redisUrl);
        await redis.config('SET', name, value);
        await redis.quit();
        expect((await lookAt(redisUrl)).finding('redis').level).toBe('good');
      });
    });

    it('finds that a user may not do what hot state does', async () => {
      const redis = new Redis(redisUrl);
      const [user, password] = [`doctor-${randomUUID()}`, randomUUID()];
      await redis.acl('SETUSER', user, 'on', `>${password}`, '~other:*', '+@all');
      const url = new URL(redisUrl);
      [url.username, url.password] = [user, password];
      const run = await lookAt(url.href);
      expect(run.finding('redis-not-writable')).toMatchObject({
        what: expect.stringContaining('NOPERM'),
        fix: expect.stringContaining('ACL SETUSER'),
      });
      expect(run.stdout).not.toContain(password);
      await redis.acl('DELUSER', user);
      await redis.quit();
    });

    it('finds that nobody is there, or that the password is wrong', async () => {
      expect((await lookAt('redis://127.0.0.1:1')).finding('redis-unreachable').what).toContain(
        'ECONNREFUSED',
      );
      const wrong = new URL(redisUrl);
      wrong.username = 'nobody';
      wrong.password = 'canary-password';
      const run = await lookAt(wrong.href);
      expect(run.finding('redis-unreachable')).toMatchObject({ level: 'error', what: /WRONGPASS/ });
      expect(run.stdout + run.stderr).not.toContain('canary-password');
    });

    it.skipIf(clusterNodes === '')('finds a node of a Cluster that is named alone', async () => {
      const [node = ''] = clusterNodes.split(',');
      const run = await lookAt(node.startsWith('redis') ? node : `redis://${node}`);
      expect(run.finding('redis-cluster-mode').fix).toMatch(/node-1.*node-2/);
      const all = clusterNodes
        .split(',')
        .map((each) => (each.startsWith('redis') ? each : `redis://${each}`));
      expect((await lookAt(all.join(','))).finding('redis').level).toBe('good');
    });
  },
);

describe.skipIf(postgresUrl === '')(
  `doctor on Postgres${postgresUrl ? '' : ' (needs LONGHAUL_TEST_POSTGRES_URL)'}`,
  () => {
    const name = `doctor_${randomUUID().replaceAll('-', '')}`;
    const url = new URL(postgresUrl || 'postgres://nowhere');
    url.pathname = name;
    const owner = postgres(postgresUrl || 'postgres://nowhere', { max: 1, onnotice: () => undefined });
    const lookAt = (address: URL): Promise<DoctorRun> =>
      look({ ...NOWHERE, LONGHAUL_DATABASE_URL: address.href });

    beforeAll(async () => {
      await owner.unsafe(`create database ${name}`);
      await owner.unsafe(`alter database ${name} set synchronous_commit = on`);
      const catalog = createPostgresCatalog({ sql: postgres(url.href, { max: 1 }) });
      await catalog.migrate();
      await catalog.close();
    });
    afterAll(async () => {
      await owner.unsafe(`drop database ${name} with (force)`);
      await owner.end();
    });

    /** The server of the tests really runs without fsync. */
    it('finds nothing but what is wrong with the server', async () => {
      const run = await lookAt(url);
      expect(troubles(run)).toEqual(['redis-unreachable', 'postgres-fsync-off']);
      expect(run.finding('postgres-fsync-off').fix).toContain('alter system set fsync = on');
    });

    it('finds that commits are not waited for, and its command mends it', async () => {
      await owner.unsafe(`alter database ${name} set synchronous_commit = off`);
      const { fix = '' } = (await lookAt(url)).finding('postgres-async-commit');
      await owner.unsafe(fix);
      expect(troubles(await lookAt(url))).not.toContain('postgres-async-commit');
    });

    it('finds that nothing may be written', async () => {
      await owner.unsafe(`alter database ${name} set default_transaction_read_only = on`);
      expect((await lookAt(url)).finding('postgres-read-only').fix).toContain('target_session_attrs');
      await owner.unsafe(`alter database ${name} reset default_transaction_read_only`);
    });

    it('finds what a user may not do, and its commands mend it', async () => {
      const role = `doctor_${randomUUID().replaceAll('-', '')}`;
      await owner.unsafe(`create role ${role} login password 'canary-password'`);
      const asRole = new URL(url);
      [asRole.username, asRole.password] = [role, 'canary-password'];
      const sql = postgres(url.href, { max: 1 });
      const run = await lookAt(asRole);
      const { what, fix = '' } = run.finding('postgres-rights');
      expect(what).toMatch(/longhaul_installation.*nodes|nodes.*longhaul_installation/);
      await sql.unsafe(fix);
      expect(troubles(await lookAt(asRole))).not.toContain('postgres-rights');
      expect(run.stdout).not.toContain('canary-password');
      await sql.unsafe(`drop owned by ${role}; drop role ${role}`);
      await sql.end();
    });

    it('finds an empty database in which tables may not be made', async () => {
      const role = `doctor_${randomUUID().replaceAll('-', '')}`;
      const empty = `${name}_empty`;
      await owner.unsafe(`create database ${empty}`);
      await owner.unsafe(`create role ${role} login password 'x'`);
      const address = new URL(url);
      [address.pathname, address.username, address.password] = [empty, role, 'x'];
      const run = await lookAt(address);
      expect(run.finding('postgres-no-create').fix).toContain(`grant create on schema public to ${role}`);
      address.username = 'postgres';
      expect((await lookAt(address)).finding('postgres-behind')).toMatchObject({
        level: 'note',
        fix: /migrate/,
      });
      await owner.unsafe(`drop database ${empty} with (force)`);
      await owner.unsafe(`drop role ${role}`);
    });

    it('finds a database that cannot hold every name', async () => {
      const ascii = `${name}_ascii`;
      await owner.unsafe(
        `create database ${ascii} encoding 'SQL_ASCII' template template0 lc_collate 'C' lc_ctype 'C'`,
      );
      const address = new URL(url);
      address.pathname = ascii;
      expect((await lookAt(address)).finding('postgres-encoding').fix).toContain('createdb --encoding=UTF8');
      await owner.unsafe(`drop database ${ascii} with (force)`);
    });

    it('finds that nobody is there', async () => {
      const run = await lookAt(new URL('postgres://ann:canary-password@127.0.0.1:1/x'));
      expect(run.finding('postgres-unreachable').what).toContain('ECONNREFUSED');
      expect(run.stdout).not.toContain('canary-password');
    });
  },
);

describe.skipIf(brokers === '')(
  `doctor on Kafka${brokers ? '' : ' (needs LONGHAUL_TEST_KAFKA_BROKERS)'}`,
  () => {
    const kafka = new Kafka({ brokers: (brokers || 'x:1').split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    beforeAll(() => admin.connect());
    afterAll(() => admin.disconnect());

    async function lookAt(config: Readonly<Record<string, string>>): Promise<DoctorRun> {
      const topic = `doctor.${randomUUID()}`;
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
      await admin.createTopics({
        topics: [{ topic, numPartitions: 2, configEntries }],
        waitForLeaders: false,
      });
      await expect
        .poll(async () => (await admin.listTopics()).includes(topic), { timeout: 10_000 })
        .toBe(true);
      const run = await look({ LONGHAUL_KAFKA_BROKERS: brokers, LONGHAUL_KAFKA_TOPIC: topic });
      await admin.deleteTopics({ topics: [topic] });
      return run;
    }

    it('is content with a topic that is right, on one broker', async () => {
      const run = await lookAt({});
      expect(troubles(run)).toEqual([]);
      expect(run.finding('kafka').what).toContain('2 partitions');
      expect(run.finding('kafka-not-replicated').level).toBe('note');
    });

    it('finds a topic that keeps the last event only, refuses large ones, or takes none', async () => {
      const run = await lookAt({
        'cleanup.policy': 'compact',
        'max.message.bytes': '1000',
        'min.insync.replicas': '2',
      });
      expect(troubles(run)).toEqual(['kafka-acks-impossible', 'kafka-compacted', 'kafka-message-size']);
      expect(run.finding('kafka-acks-impossible').fix).toContain('min.insync.replicas=1');
      expect(run.finding('kafka-compacted').fix).toContain('cleanup.policy=delete');
      expect(run.finding('kafka-message-size').fix).toContain('max.message.bytes=1048588');
    });

    it('finds that there is no topic, and makes none', async () => {
      const topic = `doctor.${randomUUID()}`;
      const run = await look({ LONGHAUL_KAFKA_BROKERS: brokers, LONGHAUL_KAFKA_TOPIC: topic });
      expect(run.finding('kafka-topic-missing').fix).toContain(`--create --topic ${topic}`);
      expect(await admin.listTopics()).not.toContain(topic);
    });

    it('finds that nobody is there', async () => {
      const run = await look({ LONGHAUL_KAFKA_BROKERS: '127.0.0.1:1' });
      expect(run.finding('kafka-unreachable').what).toContain('ECONNREFUSED');
    });
  },
);
