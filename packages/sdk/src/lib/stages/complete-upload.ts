import type { CompleteResponse, UploadResult } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { codeOf } from '../upload-error.ts';

/** What came of asking for completion: the object, or the refusal to build it from what the store has. */
export interface Completion {
  readonly result?: UploadResult;
  readonly refusal?: unknown;
}

/**
 * Asks for completion until there is an answer: the store may take minutes for many parts, and the coordinator says
 * `COMPLETING` meanwhile.
 */
export async function completeUpload(
  { clock }: { readonly clock: Clock },
  ask: (signal: AbortSignal) => Promise<CompleteResponse>,
  signal: AbortSignal,
): Promise<Completion> {
  try {
    for (;;) {
      const answer = await ask(signal);
      if (answer.state === 'COMPLETED') return answer;
      await clock.sleep(answer.retryAfterSeconds * 1_000, signal);
    }
  } catch (error) {
    if (!/^(parts-missing|completion-refused)$/.test(codeOf(error))) throw error;
    return { refusal: error };
  }
}
