import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { CLUSTER_BUS_OFFSET, findFreePort } from './free-port.ts';

async function listen(port: number): Promise<() => void> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  return () => server.close();
}

it('gives ports that can be listened on, with their offsets', async () => {
  const port = await findFreePort([CLUSTER_BUS_OFFSET]);
  const closers = [await listen(port), await listen(port + CLUSTER_BUS_OFFSET)];
  for (const close of closers) close();
});

it('never gives the same port twice, not even at the same time', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, () => findFreePort()));
  expect(new Set(ports).size).toBe(ports.length);
});
