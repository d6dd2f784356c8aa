import type { UploadStatus } from '@longhaul/protocol';
import type { UploadContext } from './context.ts';
import { findHot, isOpenAtStore, knownParts, rebuildHot } from './hot-state.ts';
import { findRecord, statusOf } from './upload-answers.ts';
import type { TokenClaims } from './upload-token.ts';

/** Where an upload stands, with the parts received so far. */
export async function getUpload(context: UploadContext, caller: TokenClaims): Promise<UploadStatus> {
  const record = await findRecord(context, caller);
  if (!isOpenAtStore(record) || record.state !== 'UPLOADING') return statusOf(context, record, []);
  if (!(await findHot(context, record.uploadId))) await rebuildHot(context, record);
  return statusOf(context, record, await knownParts(context, record.uploadId));
}
