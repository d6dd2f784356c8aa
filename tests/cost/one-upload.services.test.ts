import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import postgres from 'postgres';
import { describe, expect, it } from 'vitest';
import { createCoordinator, relay } from '@longhaul/coordinator';
import { createPostgresCatalog } from '@longhaul/coordinator/postgres';
import { createRedisState } from '@longhaul/coordinator/redis';
import { createUploader } from '@longhaul/sdk';
import { createDatabase, MEMORIES } from '../e2e/support/memories.ts';
import { STORES } from '../e2e/support/stores.ts';

const MIB = 1024 ** 2;
const MAX_WRITING_TRANSACTIONS = 5;
const versitygw = STORES.find(({ name }) => name === 'versitygw')!;
const servers = MEMORIES.find(({ missing, name }) => name === 'Postgres and Redis' && !missing);
const missing = [versitygw.missing, servers ? undefined : 'needs Postgres and Redis']
  .filter(Boolean)
  .join(', ');

/** What is written down for one upload, by whom, each in the order in which it was sent. */
interface Cost {
  /** Statements of each transaction. */
  readonly transactions: string[][];
  /** Calls of scripts by their name. */
  readonly redisCommands: string[];
}

describe.skipIf(missing !== '')(`one happy upload of three parts ${missing}`, () => {
  it('costs few transactions and few commands', async () => {
    const database = await createDatabase();
    const store = await versitygw.open();
    const cost: Cost = { transactions: [], redisCommands: [] };
    let isCounting = false;
    const open = new Map<number, string[]>();
    const noteStatement = (connection: number, text: string): void => {
      const statement = text.replaceAll(/\s+/g, ' ').trim();
      if (!isCounting) return;
      const begun = open.get(connection);
      if (/^begin/i.test(statement)) open.set(connection, []);
      else if (/^(commit|rollback)/i.test(statement)) {
        cost.transactions.push(begun ?? []);
        open.delete(connection);
      } else if (begun) begun.push(statement);
      else cost.transactions.push([statement]);
    };
    const sql = postgres(database.url, {
      max: 4,
      onnotice: () => undefined,
      debug: (connection, query) => noteStatement(connection, query),
    });
    const catalog = createPostgresCatalog({ sql });
    await catalog.migrate();
    const redis = new Redis(process.env['LONGHAUL_TEST_REDIS_URL'] ?? '');
    await redis.ping();
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (command, ...rest) => {
      if (isCounting) cost.redisCommands.push(command.name);
      return send(command, ...rest);
    };
    const state = createRedisState({ redis });
    const told: string[] = [];
    const options = {
      catalog,
      state,
      objectStore: store.objectStore,
      tokenKeys: ['a key for tests that is long enough'],
      sinks: [
        {
          name: 'told',
          publish: (event: { type: string }) => Promise.resolve(void told.push(event.type)),
          close: () => Promise.resolve(),
        },
      ],
    };
    const app = createCoordinator(options);
    const uploader = createUploader({ coordinator: (request) => app.fetch(request), partSizeBytes: 5 * MIB });
    // The first one teaches servers their statements and scripts.
    await uploader.upload(randomBytes(11 * MIB)).result;
    await relay(options);
    told.length = 0;

    isCounting = true;
    const { partCount } = await uploader.upload(randomBytes(11 * MIB)).result;
    const untilCompleted = cost.transactions.length;
    await relay(options);
    isCounting = false;

    const isWriting = (statements: readonly string[]): boolean =>
      statements.some((statement) => /\b(insert into|update \w+ set|delete from)\b/i.test(statement));
    const writing = cost.transactions.filter(isWriting);
    const uploading = cost.transactions.slice(0, untilCompleted);
    console.log(
      `one upload of ${partCount} parts: ${uploading.length} transactions until it was complete, ` +
        `${uploading.filter(isWriting).length} of them writing; with its event told ${cost.transactions.length}, ` +
        `${writing.length} writing; ${cost.redisCommands.length} Redis commands (${cost.redisCommands.join(' ')})\n` +
        cost.transactions.map((each) => `  ${each.map((text) => text.slice(0, 110)).join(' | ')}`).join('\n'),
    );
    expect(partCount).toBe(3);
    expect(told).toEqual(['io.longhaul.upload.completed.v1']);
    // Otherwise nothing was counted.
    expect(uploading.filter(isWriting).length).toBeGreaterThanOrEqual(3);
    expect(writing.length).toBeLessThanOrEqual(MAX_WRITING_TRANSACTIONS);

    await state.close();
    await catalog.close();
    await database.drop();
    await store.close();
  });
});
