import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { type CoordinatorOptions, createCoordinator } from '@longhaul/coordinator';
import type { MemoryKind, TestMemory } from './memories.ts';
import type { StoreKind, TestStore } from './stores.ts';

/** A coordinator that listens, on a store and a memory of its own. */
export interface Backend {
  readonly url: string;
  readonly app: Hono;
  readonly store: TestStore;
  readonly memory: TestMemory;
  close(): Promise<void>;
}

export async function startBackend(
  storeKind: StoreKind,
  memoryKind: MemoryKind,
  settings: Partial<CoordinatorOptions> = {},
): Promise<Backend> {
  const [store, memory] = await Promise.all([storeKind.open(), memoryKind.open()]);
  const { catalog, state } = memory;
  const tokenKeys = ['a key for tests that is long enough'];
  const app = createCoordinator({ catalog, state, objectStore: store.objectStore, tokenKeys, ...settings });
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    app,
    store,
    memory,
    async close() {
      server.close();
      server.closeAllConnections();
      await memory.close();
      await store.close();
    },
  };
}
