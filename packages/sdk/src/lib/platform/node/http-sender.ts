import { once } from 'node:events';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as httpsRequest } from 'node:https';
import type { PartAnswer, PartSender, PartToSend } from '../../ports/part-sender.ts';
import { isUploadError } from '../../upload-error.ts';
import { createFlow, type Flow } from './flow.ts';
import { http } from './node-http.ts';
import { type NodeSource, viewOf } from './node-source.ts';
import type { RateLimiter } from './rate-limiter.ts';
import { orUntrusted } from './untrusted-certificate.ts';

/** What the sender is made with. */
export interface HttpSenderOptions {
  /** Connections kept open for each store. */
  readonly concurrency: number;
  /** Left out: as fast as the network goes. */
  readonly limiter?: RateLimiter | undefined;
}

type Buffers = readonly [Uint8Array, Uint8Array];

const BUFFER_BYTES = 512 * 1024;
const MAX_BODY_BYTES = 16 * 1024;

/**
 * Sends over node:http(s). Each connection has two buffers: one is filled from the file while the other is written, so
 * memory does not depend on the part size.
 */
export function createHttpSender({ concurrency, limiter }: HttpSenderOptions): PartSender<NodeSource> {
  const options = { keepAlive: true, maxSockets: concurrency };
  const agents = { http: new http.Agent(options), https: new TlsAgent(options) };
  const spareBuffers: Buffers[] = [];
  const flow = createFlow(BUFFER_BYTES, limiter);

  return {
    opensInRoundTrips: 1,
    async send(part) {
      // What is in memory needs none.
      const buffers = part.source.view ? undefined : (spareBuffers.pop() ?? newBuffers());
      if (part.isOnNewConnection) for (const agent of Object.values(agents)) dropIdle(agent);
      const request = openRequest(part, agents);
      const answer = await put(request, part, buffers, flow);
      // Not sent to the end, the buffers may still be in use by a read that nobody waits for: then they are left alone.
      if (buffers && request.writableEnded) spareBuffers.push(buffers);
      return answer;
    },
  };
}

/** Connections that lie idle, among them those that have died unnoticed: the next request opens a new one. */
function dropIdle({ freeSockets }: Agent): void {
  for (const socket of Object.values(freeSockets).flat()) socket?.destroy();
}

function openRequest(
  { url, headers, sizeBytes, signal }: PartToSend<NodeSource>,
  agents: { readonly http: Agent; readonly https: TlsAgent },
): ClientRequest {
  const isTls = url.startsWith('https:');
  const open = isTls ? httpsRequest : http.request;
  return open(url, {
    method: 'PUT',
    headers: { ...headers, 'content-length': sizeBytes },
    agent: isTls ? agents.https : agents.http,
    signal,
  });
}

async function put(
  request: ClientRequest,
  part: PartToSend<NodeSource>,
  buffers: Buffers | undefined,
  flow: Flow,
): Promise<PartAnswer> {
  // What breaks after the answer is in concerns nobody; without a listener it would end the process.
  request.on('error', () => {});
  const answered = once(request, 'response').then(([response]: unknown[]) => response as IncomingMessage);
  const written = writeBody(request, part, buffers, flow).then(
    () => answered,
    async (error: unknown) => {
      if (isUploadError(error)) throw error;
      // A store that refuses may close before it has read everything: its answer says more than our broken pipe.
      return await answered;
    },
  );
  try {
    const response = await Promise.race([answered, written]);
    const answer = await readAnswer(response);
    // Answered before all was sent: what is left in the pipe must not be taken for the next request.
    if (!request.writableEnded) request.destroy();
    return answer;
  } catch (error) {
    request.destroy();
    part.signal.throwIfAborted();
    throw orUntrusted(error, 'object store', part.url);
  }
}

async function writeBody(
  request: ClientRequest,
  { source, offsetBytes, sizeBytes, signal, onProgress }: PartToSend<NodeSource>,
  buffers: Buffers | undefined,
  flow: Flow,
): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  let sentBytes = 0;
  for (let turn = 0; sentBytes < sizeBytes; turn = 1 - turn) {
    const pieceBytes = Math.min(flow.pieceBytes(), sizeBytes - sentBytes);
    const position = offsetBytes + sentBytes;
    const piece =
      buffers?.[turn === 0 ? 0 : 1].subarray(0, pieceBytes) ?? viewOf(source, position, pieceBytes);
    await Promise.all([writing, buffers && source.readInto(piece, position)]);
    onProgress(sentBytes);
    await flow.admit(piece.byteLength, signal);
    writing = write(request, piece, flow);
    sentBytes += piece.byteLength;
  }
  await writing;
  onProgress(sentBytes);
  request.end();
}

function newBuffers(): Buffers {
  return [new Uint8Array(BUFFER_BYTES), new Uint8Array(BUFFER_BYTES)];
}

/** Resolves when the network has taken the bytes. */
async function write(request: ClientRequest, bytes: Uint8Array, flow: Flow): Promise<void> {
  const startMs = performance.now();
  await new Promise<void>((resolve, reject) => {
    request.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
  flow.wrote(performance.now() - startMs);
}

async function readAnswer(response: IncomingMessage): Promise<PartAnswer> {
  let body = '';
  response.setEncoding('utf8');
  for await (const text of response) body += String(text).slice(0, Math.max(0, MAX_BODY_BYTES - body.length));
  const { statusCode = 0, headers } = response;
  const retryAfterSeconds = Number(headers['retry-after']);
  const isSuccess = statusCode >= 200 && statusCode < 300;
  return {
    status: statusCode,
    body: isSuccess ? '' : body,
    ...(headers.etag !== undefined && headers.etag !== '' && { etag: headers.etag }),
    ...(retryAfterSeconds > 0 && { retryAfterSeconds }),
  };
}
