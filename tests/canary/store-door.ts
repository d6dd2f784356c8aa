import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { LocalS3 } from '@longhaul/local-s3';

/** What the store does with requests: what it should, tell all that it was told (to clients only, or to all), or nothing. */
export type Mood = 'honest' | 'talkative to clients' | 'talkative' | 'away';

/** A store that may be in a mood. */
export interface StoreDoor {
  readonly url: string;
  mood: Mood;
  /** Signatures that requests have come with. */
  readonly signatures: ReadonlySet<string>;
  close(): Promise<void>;
}

/** Opens a door to a store on a free port. */
export async function openStoreDoor(store: LocalS3): Promise<StoreDoor> {
  const signatures = new Set<string>();
  const door = { mood: 'honest' as Mood };
  const server = createAdaptorServer({
    fetch: async (request, { incoming }: { incoming: { destroy(): void } }) => {
      for (const [, signature] of `${request.url} ${request.headers.get('authorization')}`.matchAll(
        /Signature=([\da-f]{64})/gi,
      ))
        if (signature !== undefined) signatures.add(signature);
      if (door.mood === 'honest') return await store.fetch(request);
      if (door.mood === 'talkative') return tellAll(request);
      if (door.mood === 'talkative to clients')
        return request.url.includes('X-Amz-Signature') ? tellAll(request) : await store.fetch(request);
      incoming.destroy();
      return new Response();
    },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(door, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    signatures,
    async close() {
      server.close();
      if ('closeAllConnections' in server) server.closeAllConnections();
      await once(server, 'close');
    },
  });
}

/** A refusal as stores and proxies write it when they mean well: with everything that was sent. */
function tellAll({ method, url, headers }: Request): Response {
  const sent = [...headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  const text = `${method} ${url}\n${sent}`.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const body = `<Error><Code>SignatureDoesNotMatch</Code><Message>Not as signed: ${text}</Message><StringToSign>${text}</StringToSign></Error>`;
  return new Response(body, { status: 403, headers: { 'content-type': 'application/xml' } });
}
