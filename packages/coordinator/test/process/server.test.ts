import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Hono } from 'hono';
import { expect, it } from 'vitest';
import { listen } from '../../src/lib/process/server.ts';

it('stops although a client keeps calling on a connection that it keeps alive', async () => {
  const app = new Hono().get('/', async (c) => {
    await sleep(200);
    return c.text('done');
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = async (): Promise<string> => {
    const [response] = await once(get(server.url, { agent }), 'response');
    return Buffer.concat(await response.toArray()).toString();
  };
  const underWay = call();
  await sleep(50);
  const stopped = server.stop(600_000);
  // The call that was under way is answered; one of the next ones finds nobody.
  expect(await underWay).toBe('done');
  const calling = (async () => {
    for (;;) {
      await sleep(100);
      await call();
    }
  })();
  await expect(calling).rejects.toThrow(/ECONN|socket hang up/);
  await stopped;
  agent.destroy();
});

it.each([
  ['headers', 'POST / HTTP/1.1\r\nhost: x\r\nx-slow: ', 'a'],
  ['a body', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n', 'a'],
])('does not wait for %s that trickle in', async (_what, beginning, more) => {
  const app = new Hono().post('/', async (c) => c.text(await c.req.text()));
  const patience = { headersTimeout: 300, requestTimeout: 600, connectionsCheckingInterval: 50 };
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, patience);
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  const heard: Buffer[] = [];
  socket.on('data', (data) => heard.push(data)).on('error', () => undefined);
  socket.write(beginning);
  const trickle = setInterval(() => socket.write(more), 50);
  await once(socket, 'close');
  clearInterval(trickle);
  expect(Buffer.concat(heard).toString()).toMatch(/^HTTP\/1\.1 408 /);
  await server.stop(1_000);
});
