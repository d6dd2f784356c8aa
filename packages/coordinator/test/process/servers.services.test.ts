import { randomUUID } from 'node:crypto';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTopic } from '../../../../tests/services/kafka-topic.ts';
import { openWorld, type ProcessWorld, uploadInline } from './process-world.ts';

const {
  LONGHAUL_TEST_POSTGRES_URL: postgresUrl = '',
  LONGHAUL_TEST_REDIS_URL: redisUrl = '',
  LONGHAUL_TEST_KAFKA_BROKERS: brokers = '',
} = process.env;
const isThere = postgresUrl !== '' && redisUrl !== '' && brokers !== '';
const NEEDS = ' (needs LONGHAUL_TEST_POSTGRES_URL, LONGHAUL_TEST_REDIS_URL, LONGHAUL_TEST_KAFKA_BROKERS)';
const NOBODY_THERE = 'redis://127.0.0.1:1';

describe.skipIf(!isThere)(`Postgres, Redis and Kafka by the environment${isThere ? '' : NEEDS}`, () => {
  let world: ProcessWorld;
  let servers: Record<string, string>;
  const schema = `test_${randomUUID().replaceAll('-', '')}`;

  beforeEach(async () => {
    world = await openWorld();
    servers = {
      LONGHAUL_DATABASE_URL: `${postgresUrl}?search_path=${schema}`,
      LONGHAUL_REDIS_URL: redisUrl,
      LONGHAUL_TOKEN_KEYS: 'a key for tests that is long enough',
      LONGHAUL_BACKGROUND_WORK: 'false',
    };
    await administer((sql) => sql`create schema ${sql(schema)}`);
  });
  afterEach(async () => {
    await world.close();
    await administer((sql) => sql`drop schema ${sql(schema)} cascade`);
  });

  /** Runs a command to its end: a connection left open would keep it from ending. */
  async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    const { ended, said } = world.run(args, { ...servers, ...env });
    return { status: await ended, ...said };
  }

  it('carry an upload to its event, and every command ends', async () => {
    const topic = await openTopic(brokers);
    try {
      expect(await run(['migrate'])).toMatchObject({ status: 0 });
      const server = world.run(['serve'], servers);
      const { uploadId } = await uploadInline(await server.listening());
      server.child.kill('SIGTERM');
      expect(await server.ended).toBe(0);

      expect(await run(['sweep'])).toMatchObject({ status: 0, stderr: '' });
      const withoutRedis = { LONGHAUL_REDIS_URL: NOBODY_THERE };
      const waiting = await run(['events', '--json'], withoutRedis);
      expect(JSON.parse(waiting.stdout)).toMatchObject({ unsentCount: 1, parkedCount: 0 });
      const told = { LONGHAUL_KAFKA_BROKERS: brokers, LONGHAUL_KAFKA_TOPIC: topic.name };
      const relayed = await run(['relay', '--json'], { ...told, ...withoutRedis });
      expect(JSON.parse(relayed.stdout)).toEqual({ sent: 1, retried: 0, parked: 0 });
      expect(await topic.read()).toMatchObject([
        { key: uploadId, headers: { ce_type: 'io.longhaul.upload.completed.v1' } },
      ]);
      expect(await run(['relay'], { ...told, LONGHAUL_KAFKA_BROKERS: '127.0.0.1:1' })).toMatchObject({
        status: 0,
      });
      await run(['events', 'replay', '--since', '2020-01-01']);
      expect(await run(['relay'], { ...told, LONGHAUL_KAFKA_BROKERS: '127.0.0.1:1' })).toMatchObject({
        status: 1,
        stdout: '0 events told, 1 to be told again later, 0 parked.\n',
      });
      expect(await run(['cancel', uploadId])).toMatchObject({ status: 1 });
      expect(await run(['bucket', 'lifecycle'])).toMatchObject({ status: 0 });
    } finally {
      await topic.close();
    }
  });
});

async function administer(work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(postgresUrl, { max: 1, onnotice: () => undefined });
  await work(sql);
  await sql.end();
}
