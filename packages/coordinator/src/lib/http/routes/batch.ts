import { Hono } from 'hono';
import pLimit from 'p-limit';
import type { BatchItem } from '@longhaul/protocol';
import {
  batchCompleteRequestSchema,
  batchCreateRequestSchema,
  createUploadRequestSchema,
} from '@longhaul/protocol/schemas';
import { completeUpload } from '../../uploads/complete-upload.ts';
import type { UploadContext } from '../../uploads/context.ts';
import { createUpload } from '../../uploads/create-upload.ts';
import type { CallLimits } from '../call-limits.ts';
import { assertKeyTransport } from '../key-transport.ts';
import { onlyBy } from '../method-not-allowed.ts';
import type { OwnerOf } from '../owner.ts';
import { problemOf } from '../problem-response.ts';
import { MESSAGE_MAX_BYTES, parseMessage, readMessage } from '../read-message.ts';

/** Room for payloads: the items of a batch may be inline. */
const BATCH_MAX_BYTES = 16 * 1024 ** 2;
/** Items of one batch that are worked on at once. */
const ITEMS_AT_ONCE = 25;

/** Up to 100 uploads in one call; each item succeeds or fails by itself. */
export function batchRoutes(context: UploadContext, owner: OwnerOf, limits: CallLimits): Hono {
  const routes = new Hono();
  routes.post('/', async (c) => {
    const uploadOwner = await owner(c);
    const { uploads } = await readBatch(c.req.raw).catch(async (error: unknown) => {
      await limits.chargeOwner(uploadOwner);
      throw error;
    });
    const charge = limits.entryCharge();
    const create = async (item: unknown) => {
      await charge(uploadOwner);
      const request = parseMessage(item, createUploadRequestSchema);
      assertKeyTransport(c, request);
      return await createUpload(context, uploadOwner, request);
    };
    return c.json({ uploads: await settleEach(context, uploads, create) });
  });
  routes.post('/complete', async (c) => {
    const { uploads } = await readMessage(c.req.raw, batchCompleteRequestSchema, MESSAGE_MAX_BYTES);
    const { clock, settings, tokens } = context;
    // One time for all of them: a hundred that wait for each other would outlast every load balancer.
    const answerByEpochMs = clock.nowEpochMs() + settings.completeAnswerWithinMs;
    const charge = limits.entryCharge();
    const complete = async ({ token, uploadId, ...request }: (typeof uploads)[number]) => {
      const leftMs = Math.max(0, answerByEpochMs - clock.nowEpochMs());
      const claims = tokens.verify(token, uploadId);
      await charge(claims.owner);
      return await completeUpload(context, claims, request, leftMs);
    };
    return c.json({ uploads: await settleEach(context, uploads, complete) });
  });
  routes.all('/', onlyBy('POST'));
  routes.all('/complete', onlyBy('POST'));
  return routes;
}

async function readBatch(request: Request): Promise<{ readonly uploads: readonly unknown[] }> {
  return await readMessage(request, batchCreateRequestSchema, BATCH_MAX_BYTES);
}

async function settleEach<Item, Value>(
  context: UploadContext,
  items: readonly Item[],
  work: (item: Item) => Promise<Value>,
): Promise<readonly BatchItem<Value>[]> {
  const limit = pLimit(ITEMS_AT_ONCE);
  return await Promise.all(
    items.map((item) =>
      limit(async (): Promise<BatchItem<Value>> => {
        try {
          return { ok: true, value: await work(item) };
        } catch (error) {
          const problem = problemOf(error);
          if (problem.status >= 500) context.onError(error);
          return { ok: false, problem };
        }
      }),
    ),
  );
}
