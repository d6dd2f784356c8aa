import { Hono } from 'hono';
import { rotateRequestSchema, rotationCopyRequestSchema } from '@longhaul/protocol/schemas';
import type { UploadContext } from '../../uploads/context.ts';
import { copyByClient } from '../../uploads/rotations/copy-by-client.ts';
import { getRotation, rotateObject } from '../../uploads/rotations/rotate-object.ts';
import type { CallLimits } from '../call-limits.ts';
import { noteUpload } from '../call-scope.ts';
import { assertKeyTransport } from '../key-transport.ts';
import { onlyBy } from '../method-not-allowed.ts';
import type { OwnerOf } from '../owner.ts';
import { MESSAGE_MAX_BYTES, readMessage } from '../read-message.ts';
import { retryLater } from '../retry-later.ts';

/** What complete uploads have become: rotate, copy what the store cannot, and ask how that goes. Only for their owners, whatever tokens there are. */
export function objectRoutes(context: UploadContext, ownerOf: OwnerOf, limits: CallLimits): Hono {
  const routes = new Hono();
  const owner: OwnerOf = async (c) => {
    const caller = await ownerOf(c);
    await limits.chargeOwner(caller);
    return caller;
  };
  routes.post('/:nodeId/rotate', async (c) => {
    const caller = await owner(c);
    const nodeId = c.req.param('nodeId');
    const request = await readMessage(c.req.raw, rotateRequestSchema, MESSAGE_MAX_BYTES);
    assertKeyTransport(c, request);
    noteUpload({ uploadId: nodeId });
    return retryLater(c, await rotateObject(context, caller, nodeId, request));
  });
  routes.get('/:nodeId/rotation', async (c) => {
    const status = await getRotation(context, await owner(c), c.req.param('nodeId'));
    return c.json(status);
  });
  routes.post('/:nodeId/rotation/copy', async (c) => {
    const caller = await owner(c);
    const nodeId = c.req.param('nodeId');
    const request = await readMessage(c.req.raw, rotationCopyRequestSchema, MESSAGE_MAX_BYTES);
    noteUpload({ uploadId: nodeId });
    return c.json(await copyByClient(context, caller, nodeId, request));
  });
  routes.all('/:nodeId/rotate', onlyBy('POST'));
  routes.all('/:nodeId/rotation', onlyBy('GET'));
  routes.all('/:nodeId/rotation/copy', onlyBy('POST'));
  return routes;
}
