import { createHash, timingSafeEqual } from 'node:crypto';
import { Hono } from 'hono';
import type { Secret } from '../secret.ts';

/** `GET /metrics`, and nothing else. With a token only for those who bring it. */
export function createMetricsApp(respond: () => Promise<Response>, token: Secret | undefined): Hono {
  const app = new Hono();
  app.get('/metrics', async (c) => {
    if (token !== undefined && !isEqual(`Bearer ${token.reveal()}`, c.req.header('authorization') ?? '')) {
      return c.text('A scrape needs the bearer token of LONGHAUL_METRICS_TOKEN.\n', 401, {
        'www-authenticate': 'Bearer',
      });
    }
    return await respond();
  });
  return app;
}

/** In a time that tells nothing of the token, its length included. */
function isEqual(expected: string, received: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(expected), digest(received));
}
