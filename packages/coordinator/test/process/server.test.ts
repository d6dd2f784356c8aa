import { once } from 'node:events';
import { Agent, get } from 'node:http';
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
