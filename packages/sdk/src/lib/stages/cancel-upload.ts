import type { CancelResponse, UploadResult } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { isUploadError } from '../upload-error.ts';

/** What came of cancelling. */
export type Cancellation =
  | { readonly kind: 'cancelled' }
  /** Too late: the object is there. */
  | { readonly kind: 'completed'; readonly result: UploadResult }
  /** It is being completed at this moment. The wish is remembered in case that fails. */
  | { readonly kind: 'completing' };

/** The coordinator lets go by itself in the end: waiting for it is a courtesy, with limits. */
const MAX_ASKS = 5;
const MAX_WAIT_SECONDS = 5;

/** Ends the upload at the coordinator. */
export async function cancelUpload(
  ask: () => Promise<CancelResponse>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Cancellation> {
  for (let asked = 1; ; asked++) {
    const answer = await ask().catch(readRefusal);
    if ('kind' in answer) return answer;
    if (answer.state === 'COMPLETED') return { kind: 'completed', result: answer.result };
    if (answer.state !== 'ABORTING') return { kind: 'cancelled' };
    if (asked === MAX_ASKS || answer.retryAfterSeconds > MAX_WAIT_SECONDS) return { kind: 'cancelled' };
    await clock.sleep(answer.retryAfterSeconds * 1_000, signal);
  }
}

function readRefusal(error: unknown): Cancellation {
  if (!isUploadError(error)) throw error;
  if (error.code === 'UPLOAD_ENDED') return { kind: 'cancelled' };
  if (error.problem?.code === 'upload-completing') return { kind: 'completing' };
  throw error;
}
