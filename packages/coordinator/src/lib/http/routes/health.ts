import { Hono } from 'hono';
import type { UploadContext } from '../../uploads/context.ts';

/** `/healthz`: the process lives. `/readyz`: everything that it needs answers; 503 names what does not. */
export function healthRoutes(context: UploadContext): Hono {
  const routes = new Hono();
  routes.get('/healthz', (c) => c.json({ status: 'ok' }));
  routes.get('/readyz', async (c) => {
    const { catalog, objectStore, state } = context;
    const checks = {
      objectStore: await answers(objectStore),
      catalog: await answers(catalog),
      state: await answers(state),
    };
    const isReady = Object.values(checks).every(Boolean);
    return c.json({ status: isReady ? 'ok' : 'unavailable', checks }, isReady ? 200 : 503);
  });
  return routes;
}

async function answers(port: { ping(): Promise<void> }): Promise<boolean> {
  return await port.ping().then(
    () => true,
    () => false,
  );
}
