import type { CancelResponse } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { UploadContext } from './context.ts';
import { type CompletionEnd, endByOthers, finishHot } from './finish-completion.ts';
import { forgetHot } from './hot-state.ts';
import { abortAllOf, deleteOurs } from './leave-nothing.ts';
import { closedError } from './upload-answers.ts';

/** How long others keep their hands off an abort that was begun, or that the store did not let go through. */
export const ABORT_REDRIVE_AFTER_MS = 30_000;

/**
 * Takes an upload in ABORTING to its end: everything that the store holds for it is let go, then the row says so.
 * Safe to repeat; ABORTING is the answer while a URL handed out could still store the object.
 *
 * @throws CoordinatorError `store-unreachable`, ObjectStoreError: the row stays ABORTING, and is due again by itself
 */
export async function abortUpload(context: UploadContext, record: UploadRecord): Promise<CancelResponse> {
  const { uploadId } = record;
  if (record.mode === 'multipart') {
    await forgetHot(context, uploadId);
    await abortAllOf(context, record);
    return await end(context, record, grantsLiveMs(context));
  }
  const waitMs = storableForMs(context, record);
  if (waitMs > 0) {
    // The URL handed out can still store the object: deleting before it has expired would let it come back.
    await context.catalog.postpone(uploadId, 'ABORTING', { delayMs: waitMs });
    return { state: 'ABORTING', retryAfterSeconds: Math.ceil(waitMs / 1000) };
  }
  await deleteOurs(context, record);
  return await end(context, record);
}

/**
 * Cancels an upload that was reopened: the client wished it while nobody could tell what the store was doing. Whoever
 * asked for completion hears what became of it.
 *
 * @throws CoordinatorError `upload-cancelled`, unless another driver was faster
 */
export async function cancelReopened(context: UploadContext, uploadId: string): Promise<CompletionEnd> {
  const aborting = await context.catalog.beginAbort(uploadId, {
    to: 'CANCELLED',
    redriveAfterMs: ABORT_REDRIVE_AFTER_MS,
  });
  if (!aborting) return await endByOthers(context, uploadId);
  await abortUpload(context, aborting);
  throw closedError(uploadId, 'CANCELLED');
}

/** The last URL handed out for a part expires by then, and what was begun with it has arrived. */
function grantsLiveMs({ settings }: UploadContext): number {
  return settings.grantExpiresInSeconds * 1000 + settings.singlePutGraceMs;
}

/** How long an object that is sent whole may still appear: by a URL handed out, or by the coordinator's own PUT of an inline payload. */
export function storableForMs({ settings, clock }: UploadContext, record: UploadRecord): number {
  const putAtEpochMs = record.mode === 'inline' ? record.createdAtEpochMs : Number.NEGATIVE_INFINITY;
  const sentByEpochMs = Math.max(putAtEpochMs, record.grantsExpireAtEpochMs ?? Number.NEGATIVE_INFINITY);
  return sentByEpochMs + settings.singlePutGraceMs - clock.nowEpochMs();
}

async function end(
  context: UploadContext,
  { uploadId }: UploadRecord,
  checkAgainAfterMs?: number,
): Promise<CancelResponse> {
  const { catalog } = context;
  const check = checkAgainAfterMs === undefined ? undefined : { checkAgainAfterMs };
  const ended = (await catalog.finishAbort(uploadId, check)) ?? (await catalog.find(uploadId));
  if (!ended) return { state: 'CANCELLED' };
  await finishHot(context, ended);
  if (ended.state === 'EXPIRED' || ended.state === 'CANCELLED') return { state: ended.state };
  throw new CoordinatorError(
    'internal-error',
    `Upload ${uploadId} was being aborted and is ${ended.state}.`,
    {
      uploadId,
    },
  );
}
