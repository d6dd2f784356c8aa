import { once } from 'node:events';
import { createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What happens to one PUT on its way to the store. */
export type Fate =
  | { readonly kind: 'pass' }
  /** The store is not asked; this is the answer. */
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
    }
  /** Cut after some bytes of the body. */
  | { readonly kind: 'reset' }
  /** Read and never answered. */
  | { readonly kind: 'swallow' }
  /** One bit of the body is turned. */
  | { readonly kind: 'corrupt' }
  /** Stored, but the answer has no ETag. */
  | { readonly kind: 'hide-etag' };

/** A proxy that stands between the uploader and the store. */
export interface StoreProxy {
  readonly url: string;
  /** Part numbers in the order in which they were sent, 0 for a PUT of the whole. */
  readonly puts: number[];
  /** Connections that were opened. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** Starts a proxy; `fateOf` decides on each PUT, with the number of those of this part before it. */
export async function startStoreProxy(
  storeUrl: string,
  fateOf: (partNumber: number, attempt: number) => Fate,
): Promise<StoreProxy> {
  const puts: number[] = [];
  const attempts = new Map<number, number>();
  let connections = 0;
  const server = createServer((request, response) => {
    const partNumber = Number(new URL(request.url ?? '', storeUrl).searchParams.get('partNumber') ?? 0);
    const attempt = attempts.get(partNumber) ?? 0;
    attempts.set(partNumber, attempt + 1);
    puts.push(partNumber);
    meet(fateOf(partNumber, attempt), request, response, storeUrl).catch(() => response.destroy());
  });
  server.on('connection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    puts,
    connections: () => connections,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close').catch(() => {});
    },
  };
}

async function meet(
  fate: Fate,
  request: IncomingMessage,
  response: ServerResponse,
  storeUrl: string,
): Promise<void> {
  if (fate.kind === 'reset') {
    await once(request, 'data');
    request.socket.destroy();
    return;
  }
  if (fate.kind === 'answer') {
    request.resume();
    await once(request, 'end');
    response.writeHead(fate.status, fate.headers).end(fate.body);
    return;
  }
  if (fate.kind === 'swallow') {
    request.resume();
    return;
  }
  await forward(fate, request, response, storeUrl);
}

async function forward(
  fate: Fate,
  request: IncomingMessage,
  response: ServerResponse,
  storeUrl: string,
): Promise<void> {
  // The Host header is signed: it goes on as it came.
  const upstream = httpRequest(`${storeUrl}${request.url}`, {
    method: request.method,
    headers: request.headers,
    // A connection on which a body was cut short is of no use to the next request.
    agent: false,
  });
  upstream.on('error', () => response.destroy());
  // Who hangs up on the proxy hangs up on the store.
  response.on('close', () => upstream.destroy());
  // A store may refuse before it has read everything.
  const answered = once(upstream, 'response') as Promise<[IncomingMessage]>;
  let isAnswered = false;
  answered.then(
    () => (isAnswered = true),
    () => {},
  );
  let isFirst = true;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (isFirst && fate.kind === 'corrupt') chunk[0] = (chunk[0] ?? 0) ^ 1;
    isFirst = false;
    if (!isAnswered && !upstream.write(chunk)) await Promise.race([once(upstream, 'drain'), answered]);
  }
  upstream.end();
  const [answer] = await answered;
  const headers = { ...answer.headers };
  if (fate.kind === 'hide-etag') delete headers.etag;
  response.writeHead(answer.statusCode ?? 500, headers);
  answer.pipe(response);
}

/** An S3 error document. */
export function s3Error(code: string, message = 'no'): string {
  return `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
}
