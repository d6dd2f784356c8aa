import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { http, PASS, startWire } from './support/wire.ts';

describe('a wire', () => {
  it('brings the answer of a server that goes before it has read everything', async () => {
    const server = createServer((socket) => {
      socket.once('data', () => socket.pause().end(http(404, 'gone')));
      socket.on('error', () => undefined);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const wire = await startWire(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => PASS);
    const body = Buffer.alloc(16 * 1024 ** 2);
    const answer = await fetch(wire.url, { method: 'PUT', body, signal: AbortSignal.timeout(4_000) });
    expect([answer.status, await answer.text()]).toEqual([404, 'gone']);
    await wire.stop();
    server.close();
  });
});
