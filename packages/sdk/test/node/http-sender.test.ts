import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpSender } from '../../src/lib/platform/node/http-sender.ts';
import { type NodeSource, withReadInto } from '../../src/lib/platform/node/node-source.ts';
import { createBytesSource } from '../../src/lib/sources/bytes-source.ts';
import { UploadError } from '../../src/lib/upload-error.ts';

let server: Server | undefined;

afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

async function serve(listen: (...args: Parameters<RequestListener>) => unknown): Promise<string> {
  server = createServer((request, response) => void listen(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/part?partNumber=1`;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await request.toArray());
}

function partOf(source: NodeSource, url: string, range: { offsetBytes: number; sizeBytes: number }) {
  const signal = new AbortController().signal;
  return { source, url, headers: {}, signal, onProgress: () => {}, ...range };
}

describe('the sender', () => {
  it.each([
    ['nothing', 0, 0],
    ['a piece', 10, 1_000],
    ['exactly a buffer', 0, 1024 ** 2],
    ['many buffers and a bit', 123_457, 5 * 1024 ** 2 + 77],
  ])('sends %s with its length and its headers', async (_what, offsetBytes, sizeBytes) => {
    const bytes = randomBytes(6 * 1024 ** 2);
    let seen:
      | { body: Buffer; length: string | undefined; type: string | undefined; method: string | undefined }
      | undefined;
    const url = await serve(async (request, response) => {
      const {
        'content-length': length,
        'content-type': type,
        'transfer-encoding': chunked,
      } = request.headers;
      expect(chunked).toBeUndefined();
      seen = { body: await readBody(request), length, type, method: request.method };
      response.writeHead(200, { etag: '"abc"' }).end();
    });
    const moved: number[] = [];
    const answer = await createHttpSender({ concurrency: 1 }).send({
      ...partOf(withReadInto(createBytesSource(bytes)), url, { offsetBytes, sizeBytes }),
      headers: { 'content-type': 'video/mp4' },
      onProgress: (sentBytes) => moved.push(sentBytes),
    });
    expect(answer).toEqual({ status: 200, etag: '"abc"', body: '' });
    expect(seen).toMatchObject({ length: String(sizeBytes), type: 'video/mp4', method: 'PUT' });
    expect(seen?.body.equals(bytes.subarray(offsetBytes, offsetBytes + sizeBytes))).toBe(true);
    expect(moved).toEqual(moved.toSorted((a, b) => a - b));
    expect(moved.at(-1)).toBe(sizeBytes);
  });

  it('hands over a refusal that comes before everything was sent, and drops the connection', async () => {
    let connections = 0;
    const url = await serve((_request, response) => {
      response.writeHead(403, { 'retry-after': '3' }).end('<Code>AccessDenied</Code>');
    });
    server?.on('connection', () => connections++);
    const sender = createHttpSender({ concurrency: 1 });
    const source = withReadInto(createBytesSource(randomBytes(40 * 1024 ** 2)));
    for (let turn = 0; turn < 3; turn++) {
      const answer = await sender.send(partOf(source, url, { offsetBytes: 0, sizeBytes: source.sizeBytes }));
      expect(answer).toEqual({ status: 403, body: '<Code>AccessDenied</Code>', retryAfterSeconds: 3 });
    }
    expect(connections).toBe(3);
  });

  it('does not use buffers again into which something is still being read', async () => {
    let answers = 0;
    let body: Buffer | undefined;
    const url = await serve(async (request, response) => {
      if (answers++ === 0) return response.writeHead(403).end();
      body = await readBody(request);
      return response.end();
    });
    const sender = createHttpSender({ concurrency: 1 });
    const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
    const { promise: scribbled, resolve: scribble } = Promise.withResolvers<void>();
    const late: NodeSource = {
      ...withReadInto(createBytesSource(new Uint8Array(0))),
      async readInto(buffer, positionBytes) {
        if (positionBytes === 0) return;
        await gate;
        buffer.fill(255);
        scribble();
      },
    };
    const range = { offsetBytes: 0, sizeBytes: 1024 ** 2 };
    expect(await sender.send(partOf(late, url, range))).toMatchObject({ status: 403 });
    const zeros: NodeSource = {
      ...late,
      async readInto(buffer) {
        buffer.fill(0);
        // The read that the refused part has left behind comes in now.
        openGate();
        await scribbled;
      },
    };
    await sender.send(partOf(zeros, url, range));
    expect(body?.equals(Buffer.alloc(range.sizeBytes))).toBe(true);
  });

  it('uses a connection again that lies idle, but not after an attempt without an answer', async () => {
    let connections = 0;
    const url = await serve(async (request, response) => {
      await readBody(request);
      response.end();
    });
    server?.on('connection', () => connections++);
    const sender = createHttpSender({ concurrency: 1 });
    const part = partOf(withReadInto(createBytesSource(randomBytes(100))), url, {
      offsetBytes: 0,
      sizeBytes: 100,
    });
    await sender.send(part);
    await sender.send(part);
    expect(connections).toBe(1);
    await sender.send({ ...part, isOnNewConnection: true });
    expect(connections).toBe(2);
  });

  it('keeps no more than a few bytes in memory when nobody reads', async () => {
    let readBytes = 0;
    const url = await serve((request) => void request.pause());
    const source: NodeSource = {
      ...withReadInto(createBytesSource(new Uint8Array(0))),
      async readInto(buffer) {
        readBytes += buffer.byteLength;
      },
    };
    const stop = new AbortController();
    const sending = createHttpSender({ concurrency: 1 }).send({
      ...partOf(source, url, { offsetBytes: 0, sizeBytes: 1024 ** 3 }),
      signal: stop.signal,
    });
    sending.catch(() => {});
    // Until nothing moves any more: what the kernel takes is its own affair, and it is far from all.
    for (let before = -1; before !== readBytes || readBytes === 0;) {
      before = readBytes;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(readBytes).toBeLessThan(64 * 1024 ** 2);
    stop.abort(new Error('enough'));
    await expect(sending).rejects.toThrow('enough');
  });

  it('ends with the reason of the signal, also while it waits for the answer', async () => {
    const url = await serve((request) => void request.resume());
    const stop = new AbortController();
    const reason = new Error('enough');
    const sending = createHttpSender({ concurrency: 1 }).send({
      ...partOf(withReadInto(createBytesSource(randomBytes(100))), url, { offsetBytes: 0, sizeBytes: 100 }),
      signal: stop.signal,
      onProgress: (sentBytes) => sentBytes === 100 && stop.abort(reason),
    });
    await expect(sending).rejects.toBe(reason);
  });

  it('passes on what the source says, and sends no more of it', async () => {
    const { promise: hasArrived, resolve: arrive } = Promise.withResolvers<void>();
    let received: Promise<unknown> | undefined;
    const url = await serve((request) => {
      received = readBody(request).catch((error: unknown) => error);
      arrive();
    });
    const changed = new UploadError('FILE_CHANGED', 'it became shorter');
    const source: NodeSource = {
      ...withReadInto(createBytesSource(new Uint8Array(0))),
      async readInto(_buffer, positionBytes) {
        if (positionBytes === 0) return;
        await hasArrived;
        throw changed;
      },
    };
    const range = { offsetBytes: 0, sizeBytes: 1024 ** 2 };
    await expect(createHttpSender({ concurrency: 1 }).send(partOf(source, url, range))).rejects.toBe(changed);
    // The connection is dropped, so that the store cannot take what it has for a whole part.
    expect(await received).toMatchObject({ code: 'ECONNRESET' });
  });

  it('says what the system says when nobody listens', async () => {
    const source = withReadInto(createBytesSource(randomBytes(10)));
    const sending = createHttpSender({ concurrency: 1 }).send(
      partOf(source, 'http://127.0.0.1:1/', { offsetBytes: 0, sizeBytes: 10 }),
    );
    await expect(sending).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
