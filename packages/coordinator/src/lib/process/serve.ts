import { setTimeout as sleep } from 'node:timers/promises';
import type { Hono } from 'hono';
import { type BackgroundWork, startBackgroundWork } from '../background-work.ts';
import { createCoordinator } from '../create-coordinator.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import type { ServeConfig } from './config.ts';
import { addressProblem } from './address-problem.ts';
import { listen, type RunningServer } from './server.ts';
import type { Log } from './log.ts';
import { createMetricsApp } from './metrics-app.ts';
import { wire, type Wiring } from './wire.ts';

/**
 * How long calls and background work under way may take once a stop was asked for. What is cut here is taken up again by
 * the next call, or by another process.
 */
const STOP_TIMEOUT_MS = 25_000;

/** A coordinator process at work. */
export interface Service {
  readonly url: string;
  /** Where Prometheus finds the figures. */
  readonly metricsUrl?: string;
  stop(): Promise<void>;
}

/** Brings the schema up to date, then serves until `stop`. */
export async function serve(config: ServeConfig, log: Log): Promise<Service> {
  const wiring = await wire(config, (notice) => log.failed(new ObjectStoreError('refused', notice)));
  const options = { ...wiring.options, onError: log.failed, onCall: log.answered };
  let servers: Servers;
  try {
    await options.catalog.migrate();
    servers = await listenAll(createCoordinator(options), wiring, config);
  } catch (error) {
    await wiring.close();
    throw error;
  }
  const { server, metricsServer } = servers;
  // Told at once, because it is most often the configuration; it serves all the same, they may come back.
  for (const port of [options.objectStore, options.state])
    port.ping().catch((error: unknown) => log.failed(error));
  const { sweepEverySeconds } = config;
  const background = config.backgroundWork
    ? startBackgroundWork(options, { sweepEveryMs: sweepEverySeconds * 1000 })
    : undefined;
  return {
    url: server.url,
    ...(metricsServer && { metricsUrl: `${metricsServer.url}/metrics` }),
    async stop() {
      await Promise.all([server.stop(STOP_TIMEOUT_MS), stopWithin(STOP_TIMEOUT_MS, background)]);
      // The figures of the end are of interest, too.
      await metricsServer?.stop(0);
      await wiring.close();
    },
  };
}

interface Servers {
  readonly server: RunningServer;
  readonly metricsServer: RunningServer | undefined;
}

/** Both or none: a port that is taken leaves the other one free. */
async function listenAll(app: Hono, { scrape }: Wiring, config: ServeConfig): Promise<Servers> {
  const { metrics } = config;
  const metricsServer =
    metrics && scrape
      ? await listenAs('LONGHAUL_METRICS', createMetricsApp(scrape, metrics.token), metrics)
      : undefined;
  try {
    return { server: await listenAs('LONGHAUL', app, config), metricsServer };
  } catch (error) {
    await metricsServer?.stop(0);
    throw error;
  }
}

/** @throws an error that names the variables, which all begin with `prefix` */
async function listenAs(
  prefix: string,
  app: Hono,
  address: { readonly host: string; readonly port: number },
): Promise<RunningServer> {
  try {
    return await listen(app, address);
  } catch (error) {
    throw addressProblem(error, address, prefix);
  }
}

/** Waits until the work has stopped, at most so long: then its ports are closed under it. */
async function stopWithin(timeoutMs: number, work: BackgroundWork | undefined): Promise<void> {
  const stopped = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: stopped.signal }).catch(() => undefined);
  await Promise.race([work?.stop(), timeout]);
  stopped.abort();
}
