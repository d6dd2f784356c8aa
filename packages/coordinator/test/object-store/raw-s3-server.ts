import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  createS3ObjectStore,
  type S3ObjectStore,
  type S3ObjectStoreOptions,
} from '../../src/s3-object-store.ts';

/** A request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Answers a request by hand, in any way that HTTP allows and some that it does not. */
export type Answer = (response: ServerResponse, request: SeenRequest) => void;

/** An object store in front of a server whose answers the test makes up. */
export interface RawS3 {
  readonly objectStore: S3ObjectStore;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

/** Starts a server that gives the same answer to every request. */
export async function openRawS3(answer: Answer, options: Partial<S3ObjectStoreOptions> = {}): Promise<RawS3> {
  const seen: SeenRequest[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({
        method,
        url: new URL(url, 'http://store'),
        headers,
        body: Buffer.concat(chunks).toString(),
      });
      answer(response, seen.at(-1)!);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const objectStore = createS3ObjectStore({
    bucket: 'bucket',
    region: 'us-east-1',
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'canary-secret-key' },
    ...options,
  });
  return {
    objectStore,
    seen,
    close: async () => {
      objectStore.close();
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Answers with a status and a body. */
export function say(status: number, body = '', headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(body);
  };
}

/** An S3 error body. */
export function errorXml(code: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>in words</Message>${more}</Error>`;
}
