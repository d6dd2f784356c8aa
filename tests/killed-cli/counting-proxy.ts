import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One PUT of a part, as far as it came. */
export interface SeenPut {
  readonly key: string;
  readonly partNumber: number;
  /** Bytes of the body that came. */
  receivedBytes: number;
  /** What the store has answered, if its sender was still there to hear it. */
  status?: number;
}

/** Stands between clients and their store, and counts what goes by. */
export interface CountingProxy {
  readonly url: string;
  /** In the order in which they began. */
  readonly puts: readonly SeenPut[];
  close(): Promise<void>;
}

/** Starts one before a store. What is cut on one side is cut on the other. */
export async function startCountingProxy(storeUrl: string): Promise<CountingProxy> {
  const puts: SeenPut[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', storeUrl);
    const put: SeenPut = {
      key: pathname,
      partNumber: Number(searchParams.get('partNumber')),
      receivedBytes: 0,
    };
    puts.push(put);
    pass(put, request, response, storeUrl).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    puts,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function pass(
  put: SeenPut,
  request: IncomingMessage,
  response: ServerResponse,
  storeUrl: string,
): Promise<void> {
  // The Host header is signed: it goes on as it came.
  const { method, headers } = request;
  const upstream = httpRequest(`${storeUrl}${request.url}`, { method, headers });
  upstream.on('error', () => response.destroy());
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy();
  });
  const answered = once(upstream, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => {});
  for await (const chunk of request as AsyncIterable<Buffer>) {
    put.receivedBytes += chunk.byteLength;
    if (!upstream.write(chunk)) await once(upstream, 'drain');
  }
  upstream.end();
  const [answer] = await answered;
  if (answer.statusCode !== undefined) put.status = answer.statusCode;
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
}
