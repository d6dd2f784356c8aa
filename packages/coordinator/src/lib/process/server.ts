import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';

const IDLE_CHECK_MS = 50;

/**
 * A request that trickles in holds a connection and, with its body, memory. Headers come at once; the largest body is
 * 16 MiB and arrives over 1.2 Mbit/s.
 */
const PATIENCE = { headersTimeout: 15_000, requestTimeout: 120_000, connectionsCheckingInterval: 2_000 };

/** A listening coordinator. */
export interface RunningServer {
  readonly url: string;
  /** Takes no new calls, waits for those under way, at most `stopTimeoutMs`, then cuts them. */
  stop(stopTimeoutMs: number): Promise<void>;
}

/** How long a request may take to arrive, in milliseconds, and how often that is looked at. */
export type ServerPatience = typeof PATIENCE;

/**
 * Listens for calls.
 *
 * @throws Error of the operating system when the address cannot be had, for example EADDRINUSE
 */
export async function listen(
  app: Hono,
  address: { readonly host: string; readonly port: number },
  patience: ServerPatience = PATIENCE,
): Promise<RunningServer> {
  const server = createAdaptorServer({ fetch: app.fetch, serverOptions: patience }) as Server;
  server.listen(address.port, address.host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    async stop(stopTimeoutMs) {
      const closed = once(server, 'close');
      server.close();
      server.closeIdleConnections();
      // A connection that was busy becomes idle later, and whoever keeps it alive would go on calling through it.
      const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
      const cut = setTimeout(() => server.closeAllConnections(), stopTimeoutMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
