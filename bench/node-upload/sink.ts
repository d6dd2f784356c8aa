import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the sink knows of a key: enough to prove an upload that it did not keep. */
interface Sunk {
  readonly metadata: Readonly<Record<string, string>>;
  readonly partBytes: Map<string, number>;
}

/**
 * A store that reads every byte and keeps none, so that a client's own speed shows. Answers a part only after the whole
 * body has come; checks no signature. Create, UploadPart, Complete and HEAD, which is what a multipart upload needs.
 */
export async function listenSink(): Promise<string> {
  const objects = new Map<string, Sunk>();
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://sink');
    let sizeBytes = 0;
    request.on('data', (chunk: Buffer) => (sizeBytes += chunk.length));
    request.on('end', () => answer(objects, { request, response, url, sizeBytes }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly sizeBytes: number;
}

function answer(objects: Map<string, Sunk>, { request, response, url, sizeBytes }: Call): void {
  const key = url.pathname;
  const object = objects.get(key);
  if (url.searchParams.has('uploads')) {
    objects.set(key, { metadata: metadataOf(request), partBytes: new Map() });
    xml(
      response,
      `<InitiateMultipartUploadResult><UploadId>${randomUUID()}</UploadId></InitiateMultipartUploadResult>`,
    );
  } else if (request.method === 'PUT' && object) {
    object.partBytes.set(url.searchParams.get('partNumber') ?? '', sizeBytes);
    response.setHeader('etag', `"${randomUUID().replaceAll('-', '')}"`).end();
  } else if (request.method === 'POST' && object) {
    const etag = `"${randomUUID().replaceAll('-', '')}-${object.partBytes.size}"`;
    xml(response, `<CompleteMultipartUploadResult><ETag>${etag}</ETag></CompleteMultipartUploadResult>`);
  } else if (request.method === 'HEAD' && object) {
    const wholeBytes = [...object.partBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
    response.writeHead(200, { 'content-length': wholeBytes, etag: '"sunk"', ...object.metadata }).end();
  } else {
    response.writeHead(501).end();
  }
}

function metadataOf(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function xml(response: ServerResponse, body: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${body}`);
}
