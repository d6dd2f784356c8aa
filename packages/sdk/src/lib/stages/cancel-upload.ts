import type { CancelResponse, UploadResult } from '@longhaul/protocol';
import { codeOf, isUploadError } from '../upload-error.ts';

/**
 * What came of cancelling: over, with a result if it was too late and the object is there; or `completing`, and then the
 * wish is remembered in case that fails.
 */
export type Cancellation = { readonly result?: UploadResult } | 'completing';

/** Reads the answer to a cancel. A coordinator that is still letting go (`ABORTING`) needs nobody to wait for it. */
export async function cancelUpload(asked: Promise<CancelResponse>): Promise<Cancellation> {
  try {
    const answer = await asked;
    return answer.state === 'COMPLETED' ? answer : {};
  } catch (error) {
    if (codeOf(error) === 'upload-completing') return 'completing';
    if (isUploadError(error) && error.code === 'UPLOAD_ENDED') return {};
    throw error;
  }
}
