import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How one connection dies: it takes no more bytes, or it takes them all and nothing comes back. */
export type Death = 'none' | 'body' | 'answer';

/** What the line is like. */
export interface LineSpec {
  readonly death: Death;
  /** Bytes that all connections have carried when one dies: the one that carries the next. */
  readonly atBytes: number;
  /** All connections together. */
  readonly bytesPerSecond: number;
}

/** Starts a line to a store. No byte is lost but on the connection that dies; that one stays open for ever. */
export async function startLine(
  store: string,
  { death, atBytes, bytesPerSecond }: LineSpec,
): Promise<string> {
  const { hostname, port } = new URL(store);
  let carriedBytes = 0;
  let bookedUntilMs = 0;
  let hasDied = death === 'none';

  /** Waits until so many bytes have found their place on the line. */
  const carry = async (bytes: number): Promise<void> => {
    const nowMs = performance.now();
    bookedUntilMs = Math.max(bookedUntilMs, nowMs) + (bytes / bytesPerSecond) * 1_000;
    carriedBytes += bytes;
    if (bookedUntilMs - nowMs > 1) await sleep(bookedUntilMs - nowMs);
  };
  const forward = async (client: Socket, upstream: Socket): Promise<void> => {
    for await (const chunk of client as AsyncIterable<Buffer>) {
      await carry(chunk.length);
      if (!hasDied && carriedBytes >= atBytes) {
        hasDied = true;
        upstream.unpipe(client);
        if (death === 'body') return void (await new Promise(() => {}));
      }
      if (!upstream.write(chunk)) await once(upstream, 'drain');
    }
    upstream.end();
  };

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    upstream.pipe(client);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
    }
    forward(client, upstream).catch(() => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
