import type { CreateUploadResponse, OpenRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import { answerCreate } from './answer-create.ts';
import type { UploadContext } from './context.ts';
import { isBlind } from './customer-key.ts';
import { isOpenAtStore, restoreHot } from './hot-state.ts';
import { abortStraysOf } from './leave-nothing.ts';
import { closedError, findRecord } from './upload-answers.ts';
import type { TokenClaims } from './upload-token.ts';

/**
 * The client has begun the multipart upload at the store with its own key, and tells its id. It is believed only if the
 * store lists it under the key of this upload. The first one that is saved is the upload's for good; whatever else is open
 * under the key, from a repeated call or another tab, belongs to nobody and is ended.
 *
 * @throws CoordinatorError `bad-request` of an upload that the coordinator opens by itself, `opening-unknown`, or the refusal of
 * one that has ended; ObjectStoreError
 */
export async function openByClient(
  context: UploadContext,
  caller: TokenClaims,
  { s3UploadId }: OpenRequest,
): Promise<CreateUploadResponse> {
  const record = await findRecord(context, caller);
  if (!isBlind(context, record) || record.mode !== 'multipart') {
    throw new CoordinatorError(
      'bad-request',
      `Upload ${record.uploadId} is not opened by its client. Send its parts to the URLs that create has answered.`,
      { uploadId: record.uploadId },
    );
  }
  const opened = record.state === 'PENDING' ? await save(context, record, s3UploadId) : record;
  if (opened.state !== 'UPLOADING' || !isOpenAtStore(opened))
    throw closedError(opened.uploadId, opened.state);
  await abortStraysOf(context, opened);
  const wasThere = opened.s3UploadId !== s3UploadId || record.state !== 'PENDING';
  return await answerCreate(context, opened, {}, wasThere ? {} : undefined);
}

async function save(context: UploadContext, record: UploadRecord, s3UploadId: string): Promise<UploadRecord> {
  const { uploadId, s3Key } = record;
  const listed = await context.objectStore.listMultipartUploads({ prefix: s3Key });
  if (!listed.some((upload) => upload.key === s3Key && upload.s3UploadId === s3UploadId)) {
    throw new CoordinatorError(
      'opening-unknown',
      `The store lists no such upload under the key of upload ${uploadId}. Create it again with the same createId, and send the openingCall.`,
      { uploadId },
    );
  }
  const saved = await context.catalog.saveMultipart(uploadId, { s3UploadId });
  if (saved && isOpenAtStore(saved)) await restoreHot(context, saved, []);
  return saved ?? (await context.catalog.find(uploadId)) ?? record;
}
