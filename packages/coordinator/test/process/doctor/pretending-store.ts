import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { createLocalS3, type LocalS3Options } from '@longhaul/local-s3';
import type { Store } from './run-doctor.ts';

/** An answer in the place of the store's own; `undefined`: let it answer by itself. */
export type Pretence = (request: Request, url: URL) => Response | undefined;

/** A local store that answers some requests as the documents say that others do. */
export interface PretendingStore extends Store {
  close(): Promise<void>;
}

const ACCESS = { accessKeyId: 'local', secretAccessKey: 'local-secret' };

/** @param pretend told of each request before the store is */
export async function openPretendingStore(
  pretend: Pretence = () => undefined,
  options: Partial<LocalS3Options> = {},
): Promise<PretendingStore> {
  const store = createLocalS3({
    storage: { kind: 'memory' },
    credentials: ACCESS,
    buckets: ['uploads'],
    ...options,
  });
  const answer = getRequestListener(
    async (request) => pretend(request, new URL(request.url)) ?? (await store.fetch(request)),
  );
  const server = createServer((incoming, outgoing) => void answer(incoming, outgoing));
  return { ...ACCESS, profile: 'local-s3', endpoint: await listen(server), close: () => close(server) };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}

/** An S3 error. */
export function errorAnswer(status: number, code: string, more = ''): Response {
  return new Response(
    `<?xml version="1.0"?>\n<Error><Code>${code}</Code><Message>in words</Message>${more}</Error>`,
    {
      status,
      headers: { 'content-type': 'application/xml' },
    },
  );
}

/** A document of S3. */
export function xmlAnswer(xml: string): Response {
  return new Response(`<?xml version="1.0"?>\n${xml}`, { headers: { 'content-type': 'application/xml' } });
}
