import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { Agent, createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { loopbackCertificate } from '../../services/certificate.ts';

/** One UploadPartCopy, as far as it came. */
export interface SeenCopy {
  readonly key: string;
  readonly partNumber: number;
  readonly atMs: number;
  /** When the answer to it had gone to its caller, if it has. */
  answeredAtMs?: number;
  status?: number;
}

/** Stands between a coordinator and its store, over TLS on both sides. */
export interface StoreProxy {
  readonly url: string;
  /** In the order in which they began. */
  readonly copies: readonly SeenCopy[];
  /** Calls by the name of their method, those of copies included. */
  readonly callCount: number;
  /** All bytes of the caller's connections, both ways, with what TLS and HTTP add. */
  readonly bytes: number;
  /** What comes before a call is passed on. */
  beforeCopy?: (copy: SeenCopy) => Promise<void>;
  close(): Promise<void>;
}

/** Starts one before a store that has the certificate of the tests' servers. */
export async function startStoreProxy(storeUrl: string): Promise<StoreProxy> {
  const { certificateFile, keyFile } = await loopbackCertificate();
  const [cert, key] = await Promise.all([readFile(certificateFile), readFile(keyFile)]);
  const agent = new Agent({ ca: cert, keepAlive: true });
  const seen = { copies: [] as SeenCopy[], callCount: 0, bytes: 0 };
  const pass: RequestListener = (request, response) => {
    seen.callCount++;
    const copy = copyOf(request);
    if (copy) seen.copies.push(copy);
    const given: Passing = { storeUrl, agent, copy, beforeCopy: proxy.beforeCopy };
    passOn(request, response, given).catch(() => response.destroy());
  };
  const inner = createHttpsServer({ cert, key }, pass);
  const outer = createCounter(inner, (bytes) => (seen.bytes += bytes));
  await Promise.all([inner, outer].map(listen));
  const proxy: StoreProxy = {
    url: `https://127.0.0.1:${portOf(outer)}`,
    get copies() {
      return seen.copies;
    },
    get callCount() {
      return seen.callCount;
    },
    get bytes() {
      return seen.bytes;
    },
    async close() {
      outer.close();
      inner.close();
      inner.closeAllConnections();
      agent.destroy();
      await Promise.all([inner, outer].map((server) => once(server, 'close')));
    },
  };
  return proxy;
}

/** Passes everything on as it comes, to whoever understands it. */
function createCounter(target: Server, count: (bytes: number) => void): Server {
  return createServer((client) => {
    const other = connect(portOf(target), '127.0.0.1');
    const join = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => count(chunk.byteLength));
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    };
    join(client, other);
    join(other, client);
  });
}

interface Passing {
  readonly storeUrl: string;
  readonly agent: Agent;
  readonly copy: SeenCopy | undefined;
  readonly beforeCopy: StoreProxy['beforeCopy'];
}

async function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { storeUrl, agent, copy, beforeCopy }: Passing,
): Promise<void> {
  if (copy) await beforeCopy?.(copy);
  // The Host header is signed: it goes on as it came.
  const { method, headers, url } = request;
  const upstream = httpsRequest(`${storeUrl}${url}`, { method, headers, agent, timeout: 0 });
  const answered = once(upstream, 'response') as Promise<[IncomingMessage]>;
  // Whoever has died hears nothing; what the store has begun for them, it goes on with.
  response.on('close', () => response.writableFinished || upstream.destroy());
  request.pipe(upstream);
  const [answer] = await answered;
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
  await once(response, 'finish');
  if (!copy) return;
  copy.answeredAtMs = performance.now();
  copy.status = answer.statusCode ?? 502;
}

function copyOf({ method, url = '/', headers }: IncomingMessage): SeenCopy | undefined {
  const { pathname, searchParams } = new URL(url, 'https://store');
  const partNumber = searchParams.get('partNumber');
  if (method !== 'PUT' || partNumber === null || headers['x-amz-copy-source'] === undefined) return undefined;
  return { key: pathname, partNumber: Number(partNumber), atMs: performance.now() };
}

async function listen(server: Server): Promise<void> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
