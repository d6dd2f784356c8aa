import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PROBLEM_STATUS, type ProblemCode, TOKEN_HEADER } from '@longhaul/protocol';
import type { Random } from '../../simulation/engine/random.ts';

/** Stands between a fuzzer and a coordinator: leads calls to uploads that are there, and judges every answer. */
export interface JudgingProxy {
  readonly url: string;
  /** What was wrong, each thing once. */
  readonly failures: ReadonlySet<string>;
  /** Answers by their status. */
  readonly statuses: ReadonlyMap<number, number>;
  close(): Promise<void>;
}

interface Known {
  readonly uploadId: string;
  readonly token: string;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Uploads to lead calls to: the newest ones. */
const KNOWN_UPLOADS = 50;
/** Uploads of every mode. */
const SEEDS = [
  { sizeBytes: 0, mode: 'multipart' },
  { sizeBytes: 11 * 1024 ** 2, mode: 'multipart', partSizeBytes: 5 * 1024 ** 2 },
  { sizeBytes: 6 * 1024 ** 2, mode: 'multipart', checksums: ['CRC32', 'MD5'], fingerprint: 'a'.repeat(64) },
  { sizeBytes: 48 * 1024 ** 4 },
  { sizeBytes: null },
  { sizeBytes: 3, payload: 'AAAA' },
];
const PATH_OF_UPLOAD = /^\/v1\/uploads\/(?!batch\b|parts$|complete$)[^/?]+/;

/**
 * A fuzzer never guesses an id with its token, so half of the calls on an upload are led to one that exists: only those
 * come behind the check of the token. Some uploads are begun for that. And it hardly ever finds members that go together, so half of the creates lose those
 * that have to.
 *
 * @param secrets what may stand in no answer
 */
export async function startJudgingProxy(
  target: string,
  random: Random,
  secrets: readonly string[],
): Promise<JudgingProxy> {
  const known: Known[] = [];
  const failures = new Set<string>();
  const statuses = new Map<number, number>();

  const server = createServer((incoming, outgoing) => {
    void relay(incoming, outgoing).catch((error: unknown) => {
      failures.add(`no answer to ${incoming.method} ${pathIn(incoming.url)}: ${String(error)}`);
      outgoing.destroy();
    });
  });

  /** Begins an upload that calls can be led to. */
  async function sow(): Promise<void> {
    const body = JSON.stringify({ createId: random.uuid(), name: 'sown', ...random.pick(SEEDS) });
    const { status, body: answer } = await send(target, {
      method: 'POST',
      path: '/v1/uploads',
      headers: {},
      body: Buffer.from(body),
    });
    if (status === 201) remember(known, answer.toString());
    else failures.add(`a good create was answered ${status}: ${answer.toString()}`);
  }

  async function relay(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const asked = await callIn(incoming);
    if (random.chance(0.1)) await sow();
    const mended = random.chance(0.5) ? mend(asked, random) : asked;
    const call = known.length > 0 && random.chance(0.5) ? ledTo(random.pick(known), mended) : mended;
    const { status, headers, body } = await send(target, call);
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    for (const failure of judge(status, headers, body.toString(), secrets))
      failures.add(`${call.method} ${pathIn(call.path)}: ${failure}`);
    if (status === 201) remember(known, body.toString());
    outgoing.writeHead(status, headers).end(body);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    failures,
    statuses,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

async function callIn(incoming: IncomingMessage): Promise<Call> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  const {
    host: _,
    'content-length': __,
    'transfer-encoding': ___,
    connection: ____,
    ...headers
  } = incoming.headers;
  return {
    method: incoming.method ?? 'GET',
    path: incoming.url ?? '/',
    headers,
    body: Buffer.concat(chunks),
  };
}

function ledTo({ uploadId, token }: Known, call: Call): Call {
  if (PATH_OF_UPLOAD.test(call.path)) {
    const path = call.path.replace(PATH_OF_UPLOAD, `/v1/uploads/${uploadId}`);
    return { ...call, path, headers: { ...call.headers, [TOKEN_HEADER]: token } };
  }
  const message = jsonIn(call.body);
  if (!isObject(message) || !('token' in message)) return call;
  return { ...call, body: Buffer.from(JSON.stringify({ ...message, uploadId, token })) };
}

/** Members of a create that must agree with others, with the store or with the policy. */
const DEMANDING = ['encryption', 'objectOptions', 'payload', 'checksum', 'metadata', 'sign', 'mode'];

function mend(call: Call, random: Random): Call {
  const message = jsonIn(call.body);
  if (!isObject(message)) return call;
  const mendOne = (item: unknown): unknown => {
    if (!isObject(item) || !('createId' in item)) return item;
    const kept = Object.entries(item).filter(([name]) => !DEMANDING.includes(name) || random.chance(0.1));
    const size =
      typeof item['sizeBytes'] === 'number' && random.chance(0.5)
        ? { sizeBytes: random.int(0, 2 ** 31) }
        : {};
    // The simplest UUID comes up again and again, and is used up by the first create.
    const createId = random.chance(0.8) ? { createId: random.uuid() } : {};
    return { ...Object.fromEntries(kept), ...size, ...createId };
  };
  const { uploads } = message;
  const mended = Array.isArray(uploads) ? { ...message, uploads: uploads.map(mendOne) } : mendOne(message);
  return { ...call, body: Buffer.from(JSON.stringify(mended)) };
}

async function send(
  target: string,
  { method, path, headers, body }: Call,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> {
  const url = new URL(target);
  const sent = request({
    host: url.hostname,
    port: url.port,
    method,
    path,
    headers: { ...headers, host: url.host, ...(body.length > 0 && { 'content-length': body.length }) },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...kept } = response.headers;
  return { status: response.statusCode ?? 0, headers: kept, body: Buffer.concat(chunks) };
}

/** What is wrong with an answer, whatever was asked. */
function judge(
  status: number,
  headers: IncomingMessage['headers'],
  body: string,
  secrets: readonly string[],
): string[] {
  const failures: string[] = [];
  if (status >= 500) failures.push(`a server error, ${status}: ${body.slice(0, 500)}`);
  if (secrets.some((secret) => body.includes(secret))) failures.push('a secret in the answer');
  if (headers['x-content-type-options'] !== 'nosniff') failures.push(`${status} without nosniff`);
  if (status < 400 || body === '') return failures;
  const problem = jsonIn(Buffer.from(body));
  const code = isObject(problem) ? (problem['code'] as ProblemCode) : undefined;
  if (
    headers['content-type'] !== 'application/problem+json' ||
    code === undefined ||
    PROBLEM_STATUS[code] !== status
  )
    failures.push(`${status} that is no problem of ours: ${body.slice(0, 200)}`);
  return failures;
}

function remember(known: Known[], body: string): void {
  const answer = jsonIn(Buffer.from(body));
  if (!isObject(answer)) return;
  const { uploadId, token } = answer;
  if (typeof uploadId !== 'string' || typeof token !== 'string') return;
  known.push({ uploadId, token });
  if (known.length > KNOWN_UPLOADS) known.shift();
}

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The path of a call as a route has it: failures of one kind are one. */
function pathIn(path = '/'): string {
  const [plain = ''] = path.split('?', 1);
  return plain.replace(PATH_OF_UPLOAD, '/v1/uploads/{uploadId}');
}
