import type { CancelResponse } from '@longhaul/protocol';
import type { UploadRecord } from '../ports/upload-record.ts';
import { ABORT_REDRIVE_AFTER_MS, abortUpload } from './abort-upload.ts';
import type { UploadContext } from './context.ts';
import { closedError, findRecord, resultOf } from './upload-answers.ts';
import type { TokenClaims } from './upload-token.ts';

/**
 * Ends an upload for good. An upload that is complete stays complete; one that is being completed is not touched, but
 * the wish is kept.
 *
 * @throws CoordinatorError `upload-completing`; ObjectStoreError when the store cannot be asked: repeat the call
 */
export async function cancelUpload(context: UploadContext, caller: TokenClaims): Promise<CancelResponse> {
  return await cancelRecord(context, await findRecord(context, caller));
}

/** {@link cancelUpload} of a row, whoever wishes it. */
export async function cancelRecord(context: UploadContext, record: UploadRecord): Promise<CancelResponse> {
  const { catalog } = context;
  const { uploadId } = record;
  if (record.state === 'PENDING' || record.state === 'UPLOADING') {
    const intent = { to: 'CANCELLED', redriveAfterMs: ABORT_REDRIVE_AFTER_MS } as const;
    const aborting = await catalog.beginAbort(uploadId, intent);
    // Somebody was faster: what they made of it decides.
    return aborting
      ? await abortUpload(context, aborting)
      : await cancelRecord(context, (await catalog.find(uploadId)) ?? { ...record, state: 'CANCELLED' });
  }
  if (record.state === 'ABORTING') return await abortUpload(context, record);
  if (record.state === 'COMPLETED') return { state: 'COMPLETED', result: resultOf(context, record) };
  if (record.state !== 'COMPLETING') return { state: record.state };
  await catalog.requestCancel(uploadId);
  throw closedError(uploadId, record.state);
}
