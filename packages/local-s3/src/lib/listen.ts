import { once } from 'node:events';
import { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { createAdaptorServer } from '@hono/node-server';

/** A server that accepts connections. */
export interface Listening {
  /** `http://host:port`, without a slash at the end. */
  readonly url: string;
  /** Stops at once: requests under way are cut. */
  close(): Promise<void>;
}

/** Serves the handler over HTTP until closed. Rejects when the port is taken. */
export async function listen(
  fetch: (request: Request, env: object) => Response | Promise<Response>,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<Listening> {
  const server = createAdaptorServer({ fetch, hostname: host, overrideGlobalObjects: false });
  if (!(server instanceof Server)) throw new TypeError('Expected an HTTP/1.1 server');
  // Node's five minutes would cut a large part on a slow line; a body that stands still is refused on its own.
  server.requestTimeout = 0;
  server.listen(port, host);
  await once(server, 'listening');
  return { url: urlOf(server, host), close: () => closeServer(server) };
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
