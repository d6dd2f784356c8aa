import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { inspect } from 'node:util';
import postgres from 'postgres';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Catalog } from '../../src/lib/ports/catalog.ts';
import { createPostgresCatalog } from '../../src/postgres.ts';

let server: Server;
let catalog: Catalog;

beforeEach(async () => {
  server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  catalog = createPostgresCatalog({ sql: postgres(`postgres://user:hush-hush@127.0.0.1:${port}/db`) });
});

afterEach(async () => {
  vi.useRealTimers();
  await catalog.close();
  server.close();
});

it('throws a CatalogError without the password when nobody listens', async () => {
  server.close();
  await once(server, 'close');
  const error: unknown = await catalog.ping().catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: 'CatalogError', cause: { code: 'ECONNREFUSED' } });
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('hush-hush');
});

it('gives up on a proxy that takes connections and drops them', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const answer = expect(catalog.find('id')).rejects.toMatchObject({
    name: 'CatalogError',
    cause: { message: expect.stringContaining('no answer') },
  });
  await vi.advanceTimersByTimeAsync(30_000);
  await answer;
});
