import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { createKafkaSink } from '@longhaul/coordinator/kafka';
import { exampleEvent } from '@longhaul/coordinator/testing';
import { UPLOAD_EVENT_TYPES, type UploadEvent } from '@longhaul/protocol';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const brokers = process.env['LONGHAUL_TEST_KAFKA_BROKERS'] ?? '';
const EXAMPLE = join(import.meta.dirname, '../../examples/kafka-consumer');
const OWNERS = ['ann', 'bob', 'eve'];

/** What the book shall say in the end. */
function bookOf(
  events: readonly UploadEvent[],
): { owner: string; object_count: number; stored_bytes: number }[] {
  const completed = events.filter(({ type }) => type === UPLOAD_EVENT_TYPES.completed);
  return OWNERS.map((owner) => {
    const own = completed.filter(({ data }) => data.owner === owner);
    const bytes = own.reduce((sum, { data }) => sum + (data.sizeBytes ?? 0), 0);
    return { owner, object_count: own.length, stored_bytes: bytes };
  });
}

function makeEvents(count: number): UploadEvent[] {
  return Array.from({ length: count }, (_, index) =>
    exampleEvent({
      type: index % 5 === 4 ? UPLOAD_EVENT_TYPES.cancelled : UPLOAD_EVENT_TYPES.completed,
      data: { owner: OWNERS[index % OWNERS.length]!, sizeBytes: 1_000 + index },
    }),
  );
}

describe.skipIf(!brokers)('examples/kafka-consumer (needs LONGHAUL_TEST_KAFKA_BROKERS)', () => {
  const kafka = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
  const children = new Set<ChildProcess>();
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-consumer-'));
    file = join(folder, 'uploads.sqlite');
  });
  afterEach(async () => {
    await Promise.all([...children].map(kill));
    await rm(folder, { recursive: true, force: true });
  });

  function start(topic: string): ChildProcess {
    const child = spawn(process.execPath, ['consume.ts'], {
      cwd: EXAMPLE,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { KAFKA_BROKERS: brokers, KAFKA_TOPIC: topic, KAFKA_GROUP: topic, DATABASE_FILE: file },
    });
    children.add(child);
    // Read, or a full pipe stops the program.
    child.stdout.resume();
    child.stderr.pipe(process.stderr);
    return child;
  }

  /** What a program says from now on. */
  function textOf({ stdout, stderr }: ChildProcess): { readonly text: string } {
    const said = { text: '' };
    for (const stream of [stdout, stderr]) stream?.on('data', (chunk) => (said.text += String(chunk)));
    return said;
  }

  async function kill(child: ChildProcess): Promise<void> {
    children.delete(child);
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  function ask(sql: string): unknown[] {
    if (!existsSync(file)) return [];
    const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }));
    } catch (error) {
      // The program has just begun to make it.
      if (String(error).includes('no such table')) return [];
      throw error;
    } finally {
      database.close();
    }
  }

  const enteredCount = (): number => ask('SELECT id FROM entered_events').length;

  async function makeTopic(): Promise<string> {
    const topic = `test.${randomUUID()}`;
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 3 }], waitForLeaders: true });
    await admin.disconnect();
    return topic;
  }

  /** Messages that the group has still to read, by its committed offsets. */
  async function lagOf(topic: string): Promise<number> {
    const admin = kafka.admin();
    await admin.connect();
    const ends = await admin.fetchTopicOffsets(topic);
    const [group] = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    await admin.disconnect();
    const committed = (partition: number): number =>
      Math.max(0, Number(group?.partitions.find((each) => each.partition === partition)?.offset ?? 0));
    return ends.reduce((sum, { partition, high }) => sum + Number(high) - committed(partition), 0);
  }

  it('counts each event once, although it comes twice and the program is killed in the middle', async () => {
    const topic = await makeTopic();
    const sink = createKafkaSink({ kafka, topic });
    const events = makeEvents(600);
    // Each event, and soon after it the same one again, which is what a relay does that was killed.
    for (let index = 0; index < events.length; index += 20) {
      const some = events.slice(index, index + 20);
      await Promise.all([...some, ...some.slice(0, 10)].map((event) => sink.publish(event)));
    }
    let before = 0;
    for (let crash = 0; crash < 2; crash += 1) {
      const child = start(topic);
      await expect.poll(enteredCount, { timeout: 40_000, interval: 10 }).toBeGreaterThan(before + 50);
      await kill(child);
      before = enteredCount();
      expect(before).toBeLessThan(events.length);
      expect(await lagOf(topic)).toBeGreaterThan(0);
    }
    start(topic);
    await expect.poll(() => lagOf(topic), { timeout: 60_000, interval: 500 }).toBe(0);
    expect(enteredCount()).toBe(events.length);
    expect(ask('SELECT * FROM owners ORDER BY owner')).toEqual(bookOf(events));
    await sink.close();
  });

  it('commits no offset before its own transaction', async () => {
    const topic = await makeTopic();
    const sink = createKafkaSink({ kafka, topic });
    const [first, ...others] = makeEvents(10);
    await sink.publish(first!);
    const child = start(topic);
    await expect.poll(enteredCount, { timeout: 40_000 }).toBe(1);
    await expect.poll(() => lagOf(topic), { timeout: 10_000 }).toBe(0);

    const lock = new DatabaseSync(file);
    lock.exec('BEGIN IMMEDIATE');
    const said = textOf(child);
    for (const event of others) await sink.publish(event);
    await expect.poll(() => said.text, { timeout: 20_000 }).toContain('database is locked');
    expect(await lagOf(topic)).toBe(others.length);
    await kill(child);
    lock.close();

    start(topic);
    await expect.poll(() => lagOf(topic), { timeout: 40_000, interval: 500 }).toBe(0);
    expect(ask('SELECT * FROM owners ORDER BY owner')).toEqual(bookOf([first!, ...others]));
    await sink.close();
  });

  it('passes over what is no event', async () => {
    const topic = await makeTopic();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ key: 'x', value: 'x' }] });
    await producer.disconnect();
    const sink = createKafkaSink({ kafka, topic });
    const events = makeEvents(3);
    for (const event of events) await sink.publish(event);
    const child = start(topic);
    await expect.poll(enteredCount, { timeout: 40_000 }).toBe(3);
    await expect.poll(() => lagOf(topic), { timeout: 10_000 }).toBe(0);
    child.kill('SIGTERM');
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    expect(exitCode).toBe(0);
    await sink.close();
  });
});
