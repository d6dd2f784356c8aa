import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';

/** How often a PUT meets what. */
export interface Fates {
  /** Fraction of PUTs answered 503. */
  readonly throttled: number;
  /** Fraction of PUTs that are cut somewhere in their body. */
  readonly reset: number;
  /** The same seed decides the same for the nth PUT. */
  readonly seed: string;
}

/** A proxy before a store. */
export interface FaultProxy {
  readonly url: string;
  readonly putCount: () => number;
}

const SLOW_DOWN = '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>slow down</Message></Error>';

/** Starts a proxy that hurts PUTs and passes on everything else. */
export async function startFaultProxy(store: string, fates: Fates): Promise<FaultProxy> {
  const agent = new Agent({ keepAlive: true });
  let puts = 0;
  const server = createServer((incoming, response) => {
    const meet = async (): Promise<void> => {
      if (incoming.method !== 'PUT') return await pass(store, agent, incoming, response);
      const [chance, depth] = drawn(fates.seed, puts++);
      if (chance < fates.throttled) return await answerSlowDown(incoming, response);
      if (chance < fates.throttled + fates.reset) return await cut(incoming, depth);
      await pass(store, agent, incoming, response);
    };
    meet().catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, putCount: () => puts };
}

/** Two numbers from 0 to 1 that depend on the seed and on the turn alone. */
function drawn(seed: string, turn: number): [number, number] {
  const digest = createHash('sha256').update(`${seed} ${turn}`).digest();
  return [digest.readUInt32BE(0) / 2 ** 32, digest.readUInt32BE(4) / 2 ** 32];
}

/** As S3 does it: at once, and what is still coming is read and dropped. */
async function answerSlowDown(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  response.writeHead(503, { 'content-type': 'application/xml' }).end(SLOW_DOWN);
  incoming.resume();
  await once(incoming, 'end');
}

async function cut(incoming: IncomingMessage, depth: number): Promise<void> {
  const cutAtBytes = Number(incoming.headers['content-length']) * depth;
  let seenBytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    seenBytes += chunk.length;
    if (seenBytes >= cutAtBytes) break;
  }
  incoming.socket.resetAndDestroy();
}

/** The Host header is signed: it goes on as it came. */
async function pass(
  store: string,
  agent: Agent,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, headers } = incoming;
  const upstream = request(`${store}${incoming.url}`, { method, headers, agent });
  const answered = once(upstream, 'response') as Promise<[IncomingMessage]>;
  // Nobody waits for it yet when sending fails.
  answered.catch(() => {});
  // What breaks here breaks the other side, too.
  upstream.on('error', () => response.destroy());
  await pipeline(incoming, upstream);
  const [answer] = await answered;
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, response);
}
