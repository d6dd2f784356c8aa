import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that arrived. */
export interface Delivery {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly status: number;
}

/** How to answer: a status with headers, or `hang`, or `cut` the connection. */
export type Answer = { readonly status: number; readonly headers?: Record<string, string> } | 'hang' | 'cut';

/** An HTTP server that takes webhooks and keeps them. */
export interface Receiver {
  readonly url: string;
  readonly deliveries: readonly Delivery[];
  /** What later requests are answered with. Default: status 204. */
  answer(how: (body: string) => Answer): void;
  stop(): Promise<void>;
  /** On the same port as before. */
  start(): Promise<void>;
}

/** Starts a receiver on a free port. */
export async function startReceiver(): Promise<Receiver> {
  const deliveries: Delivery[] = [];
  let how: (body: string) => Answer = () => ({ status: 204 });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const answer = how(body);
      if (answer === 'cut') request.socket.destroy();
      if (typeof answer === 'string') return;
      const { status, headers = {} } = answer;
      deliveries.push({ path: request.url ?? '', headers: request.headers, body, status });
      response.writeHead(status, headers).end(status === 204 ? undefined : 'words that nobody needs');
    });
  });
  const start = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await start(0);
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hooks/secret-path`,
    deliveries,
    answer: (next) => (how = next),
    start: () => start(port),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Whether a delivery is signed as Standard Webhooks says. */
export function isSigned({ headers, body }: Delivery, secret: string): boolean {
  const signature = /^v1,(\S+)$/.exec(String(headers['webhook-signature']))?.[1] ?? '';
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const content = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const expected = createHmac('sha256', key).update(content).digest();
  const given = Buffer.from(signature, 'base64');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
