import { once } from 'node:events';
import { type ClientRequest, createServer, type IncomingMessage, request as httpRequest } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A request as the wire sees it pass. */
export interface Passing {
  readonly method: string;
  readonly url: URL;
}

/** What comes after the bytes of an answer: it ends there, the connection breaks, or nothing more ever comes. */
export type Ending = 'end' | 'cut' | 'hang';

/** What a wire does to one request. Only the first two kinds let the other side see it whole. */
export type Fault =
  | { readonly kind: 'pass' }
  /** The other side does its work; of its answer this much comes back. */
  | { readonly kind: 'cut-answer'; readonly afterBytes: number }
  /** The other side does its work; its answer comes back byte by byte. */
  | { readonly kind: 'drip-answer'; readonly pauseMs: number }
  /** The other side does its work, if it is asked, and this is what comes back. */
  | { readonly kind: 'say'; readonly isAsked: boolean; readonly bytes: string; readonly ending: Ending }
  /** The connection is reset after so many bytes of the body. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Everything is taken, nothing goes on, nothing comes back. */
  | { readonly kind: 'stall' }
  /** One bit of the body arrives as another one. */
  | { readonly kind: 'flip'; readonly atByte: number };

export const PASS: Fault = { kind: 'pass' };

/** A proxy between two real parts, as bad as any wire. */
export interface Wire {
  readonly url: string;
  /** Bytes of bodies that were sent into it. */
  readonly sentBytes: () => number;
  stop(): Promise<void>;
}

/** Starts a wire to a server. Its clients sign for the wire's address, which goes on as it came. */
export async function startWire(toUrl: string, faultOf: (passing: Passing) => Fault): Promise<Wire> {
  let sentBytes = 0;
  const server = createServer((request) => {
    const { socket, method = '' } = request;
    request.on('data', (chunk: Buffer) => (sentBytes += chunk.byteLength));
    request.on('error', () => undefined);
    const fault = faultOf({ method, url: new URL(request.url ?? '', toUrl) });
    carry(fault, request, toUrl).catch(() => socket.destroy());
  });
  // A connection that was used for faults has nothing right to say any more.
  server.on('connection', (socket: Socket) => socket.on('error', () => undefined));
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sentBytes: () => sentBytes,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function carry(fault: Fault, request: IncomingMessage, toUrl: string): Promise<void> {
  const { socket } = request;
  switch (fault.kind) {
    case 'stall':
      request.resume();
      return;
    case 'reset':
      await ask(request, toUrl, { stopAfterBytes: fault.afterBytes });
      return;
    case 'flip':
      await answer(socket, await ask(request, toUrl, { flipAtByte: fault.atByte }), 'end');
      return;
    case 'pass':
      await answer(socket, await ask(request, toUrl), 'end');
      return;
    case 'cut-answer':
      await answer(socket, (await ask(request, toUrl)).subarray(0, fault.afterBytes), 'cut');
      return;
    case 'drip-answer':
      await drip(socket, await ask(request, toUrl), fault.pauseMs);
      return;
    case 'say':
      if (fault.isAsked) await ask(request, toUrl);
      else for await (const _ of request);
      await answer(socket, Buffer.from(fault.bytes), fault.ending);
  }
}

async function answer(socket: Socket, bytes: Buffer, ending: Ending): Promise<void> {
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  if (ending === 'cut') socket.resetAndDestroy();
}

async function drip(socket: Socket, bytes: Buffer, pauseMs: number): Promise<void> {
  for (const byte of bytes) {
    if (socket.destroyed) return;
    socket.write(Buffer.from([byte]));
    await sleep(pauseMs);
  }
}

interface Damage {
  readonly stopAfterBytes?: number;
  readonly flipAtByte?: number;
}

/** Writes into a request, as fast as it takes it. A server may answer, or go, before it has read everything: the rest is lost then. */
function giver(onward: ClientRequest): (piece: Buffer) => Promise<void> {
  let takesMore = true;
  const over = once(onward, 'close').finally(() => (takesMore = false));
  over.catch(() => undefined);
  return async (piece) => {
    if (takesMore && !onward.write(piece)) await Promise.race([once(onward, 'drain'), over]);
  };
}

/** Passes a request on, and reads the whole answer, as bytes of HTTP/1.1. Breaks both sides if it has to stop. */
async function ask(
  request: IncomingMessage,
  toUrl: string,
  { stopAfterBytes = Infinity, flipAtByte = -1 }: Damage = {},
): Promise<Buffer> {
  const { method, headers } = request;
  const onward = httpRequest(`${toUrl}${request.url}`, { method, headers, agent: false });
  const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
  answered.catch(() => undefined);
  const give = giver(onward);
  let seenBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    const flipAt = flipAtByte - seenBytes;
    if (flipAt >= 0 && flipAt < chunk.byteLength) chunk[flipAt] = chunk[flipAt]! ^ 0b100;
    const piece = chunk.subarray(0, stopAfterBytes - seenBytes);
    seenBytes += chunk.byteLength;
    await give(piece);
    if (seenBytes >= stopAfterBytes) break;
  }
  if (stopAfterBytes < Infinity) {
    onward.destroy();
    request.socket.resetAndDestroy();
  }
  onward.end();
  const [response] = await answered;
  const body: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) body.push(chunk);
  return httpBytes(response, method === 'HEAD' ? undefined : Buffer.concat(body));
}

function httpBytes(
  { statusCode, statusMessage, headers: given }: IncomingMessage,
  body: Buffer | undefined,
): Buffer {
  const { 'transfer-encoding': _chunked, connection: _connection, ...headers } = given;
  if (body && statusCode !== 204) headers['content-length'] = String(body.byteLength);
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((each) => `${name}: ${each}\r\n`),
  );
  const head = `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${lines.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), body ?? Buffer.alloc(0)]);
}

/** The bytes of an answer. */
export function http(status: number, body: string, contentType = 'application/xml'): string {
  const bytes = Buffer.byteLength(body);
  return `HTTP/1.1 ${status} So\r\ncontent-type: ${contentType}\r\ncontent-length: ${bytes}\r\n\r\n${body}`;
}

/** An S3 error document. */
export function errorXml(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>in words</Message></Error>`;
}
