import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** What the sink knows of a key: enough to prove an upload that it did not keep. */
interface Sunk {
  /** Headers of the object that came with its create, and the checksum that came with its completion. */
  readonly headers: Record<string, string>;
  readonly parts: Map<number, SunkPart>;
}

interface SunkPart {
  readonly sizeBytes: number;
  readonly etag: string;
}

/** What a sink has seen since it began to listen. */
export interface SinkTally {
  /** Of all bodies, those of parts that were cut short too. */
  bytes: number;
  connections: number;
  /** Parts that were answered. */
  puts: number;
  preflights: number;
  /** Sizes of the completed objects: the sum of the parts that each is made of. */
  readonly completed: number[];
}

/** A listening sink. */
export interface Sink {
  readonly url: string;
  readonly tally: SinkTally;
  /** Cuts every connection, so that nothing of an upload that has ended is still on its way. */
  dropConnections(): void;
}

/** As {@link openSink}, when its address is all that is wanted. */
export async function listenSink(): Promise<string> {
  return (await openSink()).url;
}

/**
 * A store that reads every byte and keeps none, so that a client's own speed shows. Answers a part only after the whole
 * body has come, as S3 does; checks no signature and no checksum. PutObject, Create, UploadPart, ListParts, Complete, Abort and
 * HEAD, which is what an upload needs, from pages of any origin.
 */
export async function openSink(host = '127.0.0.1', tls?: TlsIdentity): Promise<Sink> {
  const objects = new Map<string, Sunk>();
  const tally: SinkTally = { bytes: 0, connections: 0, puts: 0, preflights: 0, completed: [] };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url ?? '/', 'http://sink');
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length;
      tally.bytes += chunk.length;
    });
    request.on('end', () => answer({ objects, tally }, { request, response, url, sizeBytes }));
  };
  const server = tls ? createTlsServer({ ...tls }, serve) : createServer(serve);
  server.on('connection', () => tally.connections++);
  // A part takes as long as its line takes, and a client comes back to a connection after a while.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 60_000;
  server.listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `${tls ? 'https' : 'http'}://${host}:${port}`;
  return { url, tally, dropConnections: () => server.closeAllConnections() };
}

/** Key and certificate of a server, PEM. */
export interface TlsIdentity {
  readonly key: Buffer;
  readonly cert: Buffer;
}

interface Memory {
  readonly objects: Map<string, Sunk>;
  readonly tally: SinkTally;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly sizeBytes: number;
}

function answer(memory: Memory, call: Call): void {
  const { request, response, url } = call;
  if (request.headers.origin) allowOrigin(response);
  const object = memory.objects.get(url.pathname);
  if (request.method === 'OPTIONS') {
    memory.tally.preflights++;
    response.writeHead(204).end();
  } else if (url.searchParams.has('uploads')) {
    memory.objects.set(url.pathname, { headers: objectHeaders(request), parts: new Map() });
    const ids = `<Key>${keyOf(url)}</Key><UploadId>${randomUUID()}</UploadId>`;
    xml(response, `<InitiateMultipartUploadResult>${ids}</InitiateMultipartUploadResult>`);
  } else if (request.method === 'PUT' && !url.searchParams.has('partNumber')) {
    const part = { sizeBytes: call.sizeBytes, etag: newEtag() };
    const headers = { ...objectHeaders(request), ...checksumHeaders(request) };
    memory.objects.set(url.pathname, { headers, parts: new Map([[1, part]]) });
    memory.tally.puts++;
    memory.tally.completed.push(call.sizeBytes);
    response.writeHead(200, { etag: part.etag }).end();
  } else if (object) answerFor(object, memory.tally, call);
  else response.writeHead(404).end();
}

function answerFor(object: Sunk, tally: SinkTally, { request, response, url, sizeBytes }: Call): void {
  switch (request.method ?? '') {
    case 'PUT': {
      const etag = newEtag();
      object.parts.set(Number(url.searchParams.get('partNumber')), { sizeBytes, etag });
      tally.puts++;
      response.writeHead(200, { etag }).end();
      break;
    }
    case 'POST': {
      Object.assign(object.headers, checksumHeaders(request));
      tally.completed.push(wholeBytes(object));
      const etag = newEtag().replace(/"$/, `-${object.parts.size}"`);
      const names = `<Location>${url.pathname}</Location><Key>${keyOf(url)}</Key><ETag>${etag}</ETag>`;
      xml(response, `<CompleteMultipartUploadResult>${names}</CompleteMultipartUploadResult>`);
      break;
    }
    case 'GET':
      xml(response, `<ListPartsResult>${[...object.parts].map(partXml).join('')}</ListPartsResult>`);
      break;
    case 'HEAD':
      response
        .writeHead(200, { 'content-length': wholeBytes(object), etag: '"sunk"', ...object.headers })
        .end();
      break;
    default:
      response.writeHead(request.method === 'DELETE' ? 204 : 501).end();
  }
}

function allowOrigin(response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-methods', 'GET, HEAD, PUT, POST, DELETE');
  response.setHeader('access-control-allow-headers', '*');
  response.setHeader('access-control-expose-headers', 'ETag');
  response.setHeader('access-control-max-age', '3000');
}

function newEtag(): string {
  return `"${randomUUID().replaceAll('-', '')}"`;
}

function wholeBytes({ parts }: Sunk): number {
  return [...parts.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

/** Without the bucket, which is the first name of the path. */
function keyOf(url: URL): string {
  return url.pathname.split('/').slice(2).join('/');
}

function objectHeaders(request: IncomingMessage): Record<string, string> {
  return headersOf(request, /^(x-amz-meta-|x-amz-checksum-type$|content-type$)/);
}

/** The sink believes what it is told of the whole: it has nothing to compare it with. */
function checksumHeaders(request: IncomingMessage): Record<string, string> {
  return headersOf(request, /^x-amz-checksum-(?!algorithm)/);
}

function headersOf(request: IncomingMessage, names: RegExp): Record<string, string> {
  const entries = Object.entries(request.headers).filter(([name]) => names.test(name));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function partXml([partNumber, { sizeBytes, etag }]: [number, SunkPart]): string {
  return `<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag><Size>${sizeBytes}</Size></Part>`;
}

function xml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${body}`);
}
