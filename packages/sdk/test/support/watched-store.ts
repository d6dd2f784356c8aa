import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request of a client to the store. */
export interface SeenRequest {
  readonly method: string;
  readonly key: string;
  /** 0 of what is about no part. */
  readonly partNumber: number;
  readonly range: string | undefined;
  /** Whose key came along, base64. */
  readonly customerKey: string | undefined;
  /** Once the store has answered, and all of the answer has come. */
  status?: number;
}

/** What stands between clients and their store, and may answer in its place. */
export interface WatchedStore {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Asked before a request goes on; a number is the status that it is answered with instead. */
  before?: (request: SeenRequest) => Promise<number | void> | number | void;
  /** Changes what a GET answers. */
  change?: (body: Buffer) => void;
  stop(): Promise<void>;
}

/** Starts one that passes everything on. */
export async function watchStore(storeUrl: string): Promise<WatchedStore> {
  const server = createServer((request, response) => {
    pass(watched, storeUrl, request, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const watched: WatchedStore = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return watched;
}

async function pass(
  watched: WatchedStore,
  storeUrl: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const seen = seenOf(request);
  watched.seen.push(seen);
  const status = await watched.before?.(seen);
  if (typeof status === 'number') {
    seen.status = status;
    request.resume();
    response.writeHead(status).end();
    return;
  }
  // The Host header is signed: it goes on as it came.
  const { method, headers, url } = request;
  const upstream = httpRequest(`${storeUrl}${url}`, { method, headers, agent: false });
  upstream.on('error', () => response.destroy());
  request.on('error', () => upstream.destroy());
  request.pipe(upstream);
  const [answer] = (await once(upstream, 'response')) as [IncomingMessage];
  const body = Buffer.concat(await answer.toArray());
  if (method === 'GET') watched.change?.(body);
  seen.status = answer.statusCode ?? 500;
  response.writeHead(answer.statusCode ?? 500, answer.headers).end(body);
}

function seenOf({ method = '', url = '', headers }: IncomingMessage): SeenRequest {
  const { pathname, searchParams } = new URL(url, 'http://store');
  return {
    method,
    key: decodeURIComponent(pathname.split('/').slice(2).join('/')),
    partNumber: Number(searchParams.get('partNumber') ?? 0),
    range: headers.range,
    customerKey: headers['x-amz-server-side-encryption-customer-key'] as string | undefined,
  };
}
