import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UploadEvent } from '@longhaul/protocol';

/** Takes events, or refuses them. */
export interface WebhookReceiver {
  readonly url: string;
  readonly events: readonly UploadEvent[];
  /** Status of the next answers. */
  answerWith(status: number): void;
  close(): Promise<void>;
}

export async function openWebhookReceiver(): Promise<WebhookReceiver> {
  const events: UploadEvent[] = [];
  let status = 204;
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      if (status < 300) events.push(JSON.parse(body) as UploadEvent);
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/canary-path`,
    events,
    answerWith: (next) => (status = next),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
