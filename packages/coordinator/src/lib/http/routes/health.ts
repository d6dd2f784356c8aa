import { Hono } from 'hono';
import type { UploadContext } from '../../uploads/context.ts';
import { onlyBy } from '../method-not-allowed.ts';

/** Longest wait for one of the things behind the coordinator: whoever probes has given up by then. */
const ANSWER_WITHIN_MS = 5_000;

/** `/healthz`: the process lives. `/readyz`: everything that it needs answers; 503 names what does not. */
export function healthRoutes(context: UploadContext): Hono {
  const routes = new Hono();
  let running: Promise<Checks> | undefined;
  routes.get('/healthz', (c) => c.json({ status: 'ok' }));
  routes.get('/readyz', async (c) => {
    // Anybody may ask, as often as they like: those who ask together share one check.
    running ??= checkAll(context).finally(() => (running = undefined));
    const checks = await running;
    const isReady = Object.values(checks).every(Boolean);
    return c.json({ status: isReady ? 'ok' : 'unavailable', checks }, isReady ? 200 : 503);
  });
  routes.all('/healthz', onlyBy('GET'));
  routes.all('/readyz', onlyBy('GET'));
  return routes;
}

/** What answered. */
type Checks = Readonly<Record<'objectStore' | 'catalog' | 'state', boolean>>;

async function checkAll(context: UploadContext): Promise<Checks> {
  const [objectStore, catalog, state] = await Promise.all([
    answers(context, context.objectStore),
    answers(context, context.catalog),
    answers(context, context.state),
  ]);
  return { objectStore, catalog, state };
}

async function answers(context: UploadContext, port: { ping(): Promise<void> }): Promise<boolean> {
  const timer = new AbortController();
  const late = context.clock.sleep(ANSWER_WITHIN_MS, timer.signal).then(
    () => false,
    () => false,
  );
  const ping = port.ping().then(
    () => true,
    (error: unknown) => {
      context.onError(error);
      return false;
    },
  );
  try {
    return await Promise.race([ping, late]);
  } finally {
    timer.abort();
  }
}
