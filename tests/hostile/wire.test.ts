import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type HostileWorld, openWorld } from './support/world.ts';

let world: HostileWorld;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const good = (): string =>
  JSON.stringify({ createId: randomUUID(), name: 'x', sizeBytes: 6_291_456, mode: 'multipart' });

/** Sends bytes as they are, and hears what comes until the server has nothing more to say. */
async function heardOf(bytes: string, end: 'finish' | 'cut' | 'wait'): Promise<string> {
  const socket = connect(Number(new URL(world.url).port), '127.0.0.1');
  let heard = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => (heard += chunk));
  socket.on('error', () => undefined);
  socket.write(Buffer.from(bytes, 'latin1'));
  if (end === 'finish') socket.end();
  if (end === 'cut') setTimeout(() => socket.resetAndDestroy(), 100);
  if (end === 'wait') setTimeout(() => socket.destroy(), 500);
  await new Promise((resolve) => socket.on('close', resolve));
  return heard;
}

const head = (...headers: string[]): string =>
  ['POST /v1/uploads HTTP/1.1', 'host: 127.0.0.1', ...headers, '', ''].join('\r\n');

const smuggled = (): string => `POST /v1/uploads HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}`;

const attacks: [string, () => string, 'finish' | 'cut' | 'wait'][] = [
  ['a length above that of the body, and an end', () => head('content-length: 5000') + good(), 'finish'],
  ['a length above that of the body, and a cut', () => head('content-length: 5000') + good(), 'cut'],
  ['a length above that of the body, and silence', () => head('content-length: 5000') + good(), 'wait'],
  ['a length below that of the body', () => head('content-length: 10') + good(), 'finish'],
  ['a length below zero', () => head('content-length: -1') + good(), 'finish'],
  ['a length that is no number', () => head('content-length: 1e3') + good(), 'finish'],
  ['two lengths', () => head('content-length: 2', 'content-length: 200') + good(), 'finish'],
  [
    'a length and chunks, to hide a second call',
    () => `${head('content-length: 6', 'transfer-encoding: chunked')}0\r\n\r\n${smuggled()}`,
    'finish',
  ],
  [
    'chunks by two names',
    () => `${head('transfer-encoding: chunked', 'transfer-encoding: identity')}0\r\n\r\n${smuggled()}`,
    'finish',
  ],
  [
    'a chunk whose size is none',
    () => `${head('transfer-encoding: chunked')}xyz\r\n{}\r\n0\r\n\r\n`,
    'finish',
  ],
  ['a chunk without an end', () => `${head('transfer-encoding: chunked')}ffffffff\r\n${good()}`, 'cut'],
  ['a header of 64 kB', () => head(`x-long: ${'x'.repeat(65_536)}`, 'content-length: 2'), 'finish'],
  [
    'two thousand and five hundred headers',
    () => head(...Array.from({ length: 2_500 }, (_, index) => `x${index}: 1`)),
    'finish',
  ],
  [
    'a token with a control character',
    () => `GET /v1/uploads/x HTTP/1.1\r\nhost: x\r\nlonghaul-token: a\x01b\r\n\r\n`,
    'finish',
  ],
  [
    'a token with bytes above ASCII',
    () => `GET /v1/uploads/x HTTP/1.1\r\nhost: x\r\nlonghaul-token: \xff\xfe\r\n\r\n`,
    'wait',
  ],
  ['a header that is folded', () => head('x-a: 1', ' folded: 2', 'content-length: 2') + '{}', 'finish'],
  ['NUL in the path', () => 'GET /v1/uploads/\0 HTTP/1.1\r\nhost: x\r\n\r\n', 'finish'],
  ['a path that is none', () => 'GET http://[::1 HTTP/1.1\r\nhost: x\r\n\r\n', 'finish'],
  ['no host', () => 'GET /v1/limits HTTP/1.1\r\n\r\n', 'finish'],
  ['a host that is none', () => 'GET /v1/limits HTTP/1.1\r\nhost: a b<script>\r\n\r\n', 'wait'],
  ['HTTP of another time', () => 'GET /v1/limits\r\n\r\n', 'finish'],
  ['TLS', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'finish'],
  ['nothing', () => '', 'finish'],
];

it.each(attacks)(
  '%s is refused or cut off, changes nothing, and the next caller is served',
  async (_what, bytes, end) => {
    const before = await world.effects();
    const heard = await heardOf(bytes(), end);
    for (const [, status = ''] of heard.matchAll(/^HTTP\/1\.1 (\d{3})/gm)) {
      expect(Number(status)).toBeGreaterThanOrEqual(400);
      expect(Number(status)).toBeLessThan(500);
    }
    expect(heard).not.toMatch(/\bat .*\.(ts|js):\d+|canary/);
    expect(await world.effects()).toEqual(before);
    expect(world.reported).toEqual([]);
    expect((await world.call('GET', '/v1/limits')).status).toBe(200);
  },
);

it('no second call hides behind the length of the first', async () => {
  const body = good();
  const before = await world.effects();
  const heard = await heardOf(
    `${head(`content-length: ${body.length}`, 'connection: close')}${body}${smuggled()}`,
    'wait',
  );
  expect(heard.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  expect((await world.effects()).openUploads).toHaveLength(before.openUploads.length + 1);
});
