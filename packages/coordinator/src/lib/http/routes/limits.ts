import { Hono } from 'hono';
import { type LimitsResponse, planParts } from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { UploadContext } from '../../uploads/context.ts';
import { onlyBy } from '../method-not-allowed.ts';

/** `GET /v1/limits?size=`: what the server recommends and allows, and how an upload of that size would be cut. */
export function limitsRoute({ settings }: UploadContext): Hono {
  const { limits, maxSizeBytes } = settings;
  const routes = new Hono();
  routes.get('/', (c) => {
    const size = c.req.query('size');
    if (size === undefined) return c.json(limits satisfies LimitsResponse);
    const sizeBytes = Number(size);
    if (!/^\d{1,16}$/.test(size) || sizeBytes > maxSizeBytes) {
      throw new CoordinatorError(
        'bad-request',
        `size must be a whole number of bytes from 0 to ${maxSizeBytes}.`,
      );
    }
    const plan = planParts(sizeBytes, undefined, {
      minPartSizeBytes: limits.min_chunk_size,
      maxPartSizeBytes: limits.max_chunk_size,
      maxParts: limits.max_chunks,
    });
    return c.json({ ...limits, plan } satisfies LimitsResponse);
  });
  routes.all('/', onlyBy('GET'));
  return routes;
}
