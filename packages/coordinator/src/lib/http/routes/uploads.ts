import { type Context, Hono } from 'hono';
import { TOKEN_HEADER } from '@longhaul/protocol';
import {
  completeCallSchema,
  completeRequestSchema,
  createUploadRequestSchema,
  openRequestSchema,
  partsCallSchema,
  partsRequestSchema,
} from '@longhaul/protocol/schemas';
import { cancelUpload } from '../../uploads/cancel-upload.ts';
import { completeUpload } from '../../uploads/complete-upload.ts';
import type { UploadContext } from '../../uploads/context.ts';
import { createUpload } from '../../uploads/create-upload.ts';
import { exchangeParts } from '../../uploads/exchange-parts.ts';
import { getUpload } from '../../uploads/get-upload.ts';
import { openByClient } from '../../uploads/open-by-client.ts';
import type { TokenClaims } from '../../uploads/upload-token.ts';
import { assertKeyTransport } from '../key-transport.ts';
import { noteUpload } from '../call-scope.ts';
import type { CallLimits } from '../call-limits.ts';
import { onlyBy } from '../method-not-allowed.ts';
import type { OwnerOf } from '../owner.ts';
import { MESSAGE_MAX_BYTES, readMessage } from '../read-message.ts';
import { retryLater } from '../retry-later.ts';

/** One upload: create, get, parts, complete, cancel. */
export function uploadRoutes(context: UploadContext, owner: OwnerOf, limits: CallLimits): Hono {
  const routes = new Hono();
  const createMaxBytes = MESSAGE_MAX_BYTES + Math.ceil((context.settings.inlineMaxBytes * 4) / 3);
  const callerBy = async (token: string | undefined, uploadId: string): Promise<TokenClaims> => {
    const claims = context.tokens.verify(token, uploadId);
    noteUpload(claims);
    await limits.chargeOwner(claims.owner);
    return claims;
  };
  const caller = (c: Context): Promise<TokenClaims> =>
    callerBy(c.req.header(TOKEN_HEADER), c.req.param('uploadId') ?? '');

  routes.post('/', async (c) => {
    const uploadOwner = await owner(c);
    await limits.chargeOwner(uploadOwner);
    const request = await readMessage(c.req.raw, createUploadRequestSchema, createMaxBytes);
    assertKeyTransport(c, request);
    const created = await createUpload(context, uploadOwner, request);
    noteUpload(created);
    return c.json(created, 201);
  });
  // The same path for all uploads, and no header that is not everybody's: one CORS preflight for all of them, or none.
  routes.post('/parts', async (c) => {
    const { uploadId, token, ...request } = await readMessage(c.req.raw, partsCallSchema, MESSAGE_MAX_BYTES);
    return c.json(await exchangeParts(context, await callerBy(token, uploadId), request));
  });
  routes.post('/complete', async (c) => {
    const call = await readMessage(c.req.raw, completeCallSchema, MESSAGE_MAX_BYTES);
    const { uploadId, token, ...request } = call;
    return retryLater(c, await completeUpload(context, await callerBy(token, uploadId), request));
  });
  // Before what takes any word for the id of an upload.
  routes.all('/parts', onlyBy('POST'));
  routes.all('/complete', onlyBy('POST'));
  routes.get('/:uploadId', async (c) => c.json(await getUpload(context, await caller(c))));
  routes.post('/:uploadId/open', async (c) => {
    const claims = await caller(c);
    const request = await readMessage(c.req.raw, openRequestSchema, MESSAGE_MAX_BYTES);
    return c.json(await openByClient(context, claims, request));
  });
  routes.post('/:uploadId/parts', async (c) => {
    const claims = await caller(c);
    const request = await readMessage(c.req.raw, partsRequestSchema, MESSAGE_MAX_BYTES);
    return c.json(await exchangeParts(context, claims, request));
  });
  routes.post('/:uploadId/complete', async (c) => {
    const claims = await caller(c);
    const request = await readMessage(c.req.raw, completeRequestSchema, MESSAGE_MAX_BYTES, {});
    return retryLater(c, await completeUpload(context, claims, request));
  });
  routes.delete('/:uploadId', async (c) => retryLater(c, await cancelUpload(context, await caller(c))));
  routes.all('/', onlyBy('POST'));
  routes.all('/:uploadId', onlyBy('GET', 'DELETE'));
  routes.all('/:uploadId/open', onlyBy('POST'));
  routes.all('/:uploadId/parts', onlyBy('POST'));
  routes.all('/:uploadId/complete', onlyBy('POST'));
  return routes;
}
