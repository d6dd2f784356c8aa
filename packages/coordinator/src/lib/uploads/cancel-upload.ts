import type { CancelResponse } from '@longhaul/protocol';
import { abortUpload } from './abort-upload.ts';
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
  const record = await findRecord(context, caller);
  if (record.state === 'PENDING' || record.state === 'UPLOADING') {
    const aborting = await context.catalog.beginAbort(record.uploadId);
    return aborting ? await abortUpload(context, aborting) : await cancelUpload(context, caller);
  }
  if (record.state === 'ABORTING') return await abortUpload(context, record);
  if (record.state === 'COMPLETED') return { state: 'COMPLETED', result: resultOf(context, record) };
  if (record.state !== 'COMPLETING') return { state: record.state };
  await context.catalog.requestCancel(record.uploadId);
  throw closedError(record.uploadId, record.state);
}
