import type { UploadRecord } from '../ports/upload-record.ts';
import { ABORT_REDRIVE_AFTER_MS, abortUpload } from './abort-upload.ts';
import type { UploadContext } from './context.ts';
import { closeHot, isOpenAtStore, type Listing, rebuildHot } from './hot-state.ts';

/** An upload that was there before. */
export interface ResumedUpload {
  readonly record: UploadRecord;
  /** What the store has of it, where it was asked. */
  readonly listed?: Listing;
}

/**
 * Takes up an upload that was there before: parts that landed without anybody living to report them are found in the
 * store's listing. An upload that the store knows no more, by its own rule for unfinished ones, is ended here too:
 * nothing sent to it could ever arrive.
 */
export async function resumeUpload(context: UploadContext, record: UploadRecord): Promise<ResumedUpload> {
  if (!isOpenAtStore(record)) return { record };
  if (record.state === 'COMPLETING') await closeHot(context, record.uploadId);
  if (record.state !== 'UPLOADING') return { record };
  const listed = await rebuildHot(context, record);
  if (listed) return { record, listed };
  // Ending is for good, so both listings have to agree. No Complete can be under way: the state says so, or will refuse.
  const open = await context.objectStore.listMultipartUploads({ prefix: record.s3Key });
  if (open.some((upload) => upload.s3UploadId === record.s3UploadId)) return { record };
  const intent = { to: 'EXPIRED', redriveAfterMs: ABORT_REDRIVE_AFTER_MS } as const;
  const aborting = await context.catalog.beginAbort(record.uploadId, intent);
  if (aborting) await abortUpload(context, aborting);
  return { record: (await context.catalog.find(record.uploadId)) ?? record };
}
