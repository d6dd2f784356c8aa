import type { CancelResponse, UploadResult } from '@longhaul/protocol';
import { codeOf } from '../upload-error.ts';

/**
 * Ends the upload at the coordinator. The result, if it was too late for that and the object is there.
 *
 * An upload that is being completed cannot be cancelled: `complete` waits for what comes of that, without a result if it
 * comes to nothing. A coordinator that is still letting go (`ABORTING`) needs nobody to wait for it.
 */
export async function cancelUpload(
  cancel: () => Promise<CancelResponse>,
  complete: () => Promise<{ readonly result?: UploadResult; readonly refusal?: unknown }>,
): Promise<UploadResult | undefined> {
  for (;;) {
    try {
      const answer = await cancel();
      return 'result' in answer ? answer.result : undefined;
    } catch (error) {
      if (codeOf(error) !== 'upload-completing') return nothingIfEnded(error);
    }
    const completion = await complete().catch(nothingIfEnded);
    if (!completion?.refusal) return completion?.result;
  }
}

function nothingIfEnded(error: unknown): undefined {
  if (codeOf(error) !== 'UPLOAD_ENDED') throw error;
}
