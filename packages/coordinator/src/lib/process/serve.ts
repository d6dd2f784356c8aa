import { createCoordinator } from '../create-coordinator.ts';
import type { ServeConfig } from './config.ts';
import { listen, type RunningServer } from './server.ts';
import { wire } from './wire.ts';

/** How long calls under way may take once a stop was asked for. A completion cut here is taken up again by the next call. */
const STOP_TIMEOUT_MS = 25_000;

/** A coordinator process at work. */
export interface Service {
  readonly url: string;
  stop(): Promise<void>;
}

/** Brings the schema up to date, then serves until `stop`. */
export async function serve(config: ServeConfig, onError: (error: unknown) => void): Promise<Service> {
  const wiring = await wire(config);
  let server: RunningServer;
  try {
    await wiring.options.catalog.migrate();
    server = await listen(createCoordinator({ ...wiring.options, onError }), config);
  } catch (error) {
    await wiring.close();
    throw error;
  }
  // Told at once, because it is most often the configuration; it serves all the same, the store may come back.
  wiring.options.objectStore.ping().catch(onError);
  return {
    url: server.url,
    async stop() {
      await server.stop(STOP_TIMEOUT_MS);
      await wiring.close();
    },
  };
}
