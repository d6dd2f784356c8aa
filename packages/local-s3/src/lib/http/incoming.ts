import type { IncomingMessage } from 'node:http';

import type { IncomingS3Request } from './s3-request.ts';

interface IncomingContext {
  readonly req: { readonly raw: Request };
  readonly env: { readonly incoming?: unknown } | undefined;
}

/** The request as it stood on the wire, or as near to it as a `Request` allows. */
export async function readIncoming({ req, env }: IncomingContext): Promise<IncomingS3Request> {
  const incoming = env?.incoming;
  return isIncomingMessage(incoming) ? fromWire(req.raw, incoming) : await fromRequest(req.raw);
}

/**
 * The raw message, because a URL object would resolve `..` in a key and lose what was signed, and because its body is
 * read at several times the speed of a web stream.
 */
function fromWire(request: Request, incoming: IncomingMessage): IncomingS3Request {
  const target = incoming.url ?? '/';
  return {
    method: request.method,
    target: target.startsWith('/') ? target : pathAndQuery(target),
    headers: request.headers,
    body: incoming,
  };
}

/** A request that never was on a wire gets the headers that the wire would have asked for. */
async function fromRequest(request: Request): Promise<IncomingS3Request> {
  const headers = new Headers(request.headers);
  if (!headers.has('host')) headers.set('host', new URL(request.url).host);
  const incoming = { method: request.method, target: pathAndQuery(request.url), headers };
  if (request.body === null) return { ...incoming, body: chunksOf() };
  if (headers.has('content-length') || headers.has('transfer-encoding'))
    return { ...incoming, body: request.body };
  const bytes = new Uint8Array(await request.arrayBuffer());
  headers.set('content-length', String(bytes.length));
  return { ...incoming, body: chunksOf(bytes) };
}

async function* chunksOf(...chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function pathAndQuery(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

function isIncomingMessage(value: unknown): value is IncomingMessage {
  return typeof value === 'object' && value !== null && 'rawHeaders' in value && 'socket' in value;
}
