import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createRandom } from '../simulation/engine/random.ts';
import { startJudgingProxy } from './support/judging-proxy.ts';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

const GOOD = {
  status: 400,
  headers: { 'content-type': 'application/problem+json', 'x-content-type-options': 'nosniff' },
  body: '{"code":"bad-request"}',
};

async function judgementOf(answer: Partial<typeof GOOD>): Promise<string> {
  const { status, headers, body } = { ...GOOD, ...answer };
  // What the proxy begins by itself goes through.
  const server = createServer((request, response) =>
    request.method === 'POST'
      ? response.writeHead(201, GOOD.headers).end('{}')
      : response.writeHead(status, headers).end(body),
  );
  server.listen(0, '127.0.0.1');
  ends.push(() => server.close());
  await once(server, 'listening');
  const target = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const proxy = await startJudgingProxy(target, createRandom('seed'), ['canary']);
  ends.push(() => proxy.close());
  await (await fetch(`${proxy.url}/v1/uploads/x`)).arrayBuffer();
  return [...proxy.failures].join('\n');
}

it('finds nothing in a good refusal and a good answer', async () => {
  expect(await judgementOf({})).toBe('');
  expect(await judgementOf({ status: 200, body: '{}' })).toBe('');
});

it.each<[string, Partial<typeof GOOD>]>([
  ['a server error', { status: 503, body: '{"code":"store-unreachable"}' }],
  ['a secret', { status: 200, body: '{"token":"canary"}' }],
  ['no problem of ours', { body: '<html>' }],
  ['no problem of ours', { body: '{"code":"token-expired"}' }],
  ['no problem of ours', { body: '{"code":"made-up"}' }],
  ['no problem of ours', { headers: { ...GOOD.headers, 'content-type': 'text/html' } }],
  ['without nosniff', { headers: { ...GOOD.headers, 'x-content-type-options': '' } }],
])('finds %s in %j', async (what, answer) => {
  expect(await judgementOf(answer)).toContain(what);
});
