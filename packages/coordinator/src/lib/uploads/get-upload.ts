import type { UploadStatus } from '@longhaul/protocol';
import type { UploadContext } from './context.ts';
import { findHot, knownParts } from './hot-state.ts';
import { findRecord, statusOf } from './upload-answers.ts';
import type { TokenClaims } from './upload-token.ts';

/** Where an upload stands, with the parts received so far. */
export async function getUpload(context: UploadContext, caller: TokenClaims): Promise<UploadStatus> {
  const record = await findRecord(context, caller);
  if (record.mode !== 'multipart' || record.state !== 'UPLOADING') return statusOf(context, record, []);
  await findHot(context, record.uploadId);
  return statusOf(context, record, await knownParts(context, record.uploadId));
}
