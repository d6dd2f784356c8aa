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

// A statement that changes no row writes nothing, whatever its verb: the rows tell who has changed them.
const NOTE_WRITERS = `
create table writers (transaction_id xid8 not null);
create function note_writer() returns trigger language plpgsql as
  $$ begin insert into writers values (pg_current_xact_id()); return null; end $$;
create trigger note_writer after insert or update or delete on nodes for each row execute function note_writer();
create trigger note_writer after insert or update or delete on outbox for each row execute function note_writer();
`;

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
    await database.sql.unsafe(NOTE_WRITERS);
    const countWriters = async (): Promise<number> => {
      const [row] = await database.sql<{ count: number }[]>`
        select count(distinct transaction_id)::int as count from writers`;
      return row!.count;
    };
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
    await database.sql`truncate writers`;

    isCounting = true;
    const { partCount } = await uploader.upload(randomBytes(11 * MIB)).result;
    const uploading = { count: cost.transactions.length, writing: await countWriters() };
    await relay(options);
    isCounting = false;
    const writing = await countWriters();

    console.log(
      `one upload of ${partCount} parts: ${uploading.count} transactions until it was complete, ` +
        `${uploading.writing} of them writing; with its event told ${cost.transactions.length}, ${writing} writing; ` +
        `${cost.redisCommands.length} Redis commands (${cost.redisCommands.join(' ')})\n` +
        cost.transactions.map((each) => `  ${each.map((text) => text.slice(0, 100)).join(' | ')}`).join('\n'),
    );
    expect(partCount).toBe(3);
    expect(told).toEqual(['io.longhaul.upload.completed.v1']);
    // Otherwise nothing was counted.
    expect(uploading.writing).toBeGreaterThan(2);
    expect(writing).toBeGreaterThan(uploading.writing);
    expect(uploading.writing).toBeLessThanOrEqual(MAX_WRITING_TRANSACTIONS);

    await state.close();
    await catalog.close();
    await database.drop();
    await store.close();
  });
});
