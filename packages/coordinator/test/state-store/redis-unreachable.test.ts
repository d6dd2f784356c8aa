import { once } from 'node:events';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { StateStoreError } from '../../src/lib/ports/state-store.ts';
import { createRedisState } from '../../src/redis.ts';

it('throws a StateStoreError without the password when Redis cannot be reached, and closes', async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const redis = new Redis(`redis://:hush-hush@127.0.0.1:${port}`, { maxRetriesPerRequest: 0 });
  redis.on('error', () => undefined);
  const state = createRedisState({ redis });
  const error: unknown = await state.record('id', []).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StateStoreError);
  expect(error).toMatchObject({ cause: expect.any(Error) });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hush-hush');
  await state.close();
  server.close();
});
