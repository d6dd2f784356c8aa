import { CoordinatorError } from '../../coordinator-error.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';

/**
 * The upload of an owner. Another's is none: an answer that differs would tell who has what.
 *
 * @throws CoordinatorError `upload-not-found`
 */
export async function findOwned(
  context: UploadContext,
  owner: string,
  uploadId: string,
): Promise<UploadRecord> {
  const record = await context.catalog.find(uploadId);
  if (record?.bucket === context.objectStore.bucket && record.owner === owner) return record;
  throw new CoordinatorError('upload-not-found', `There is no upload ${uploadId} of yours.`, { uploadId });
}
