import type { CompleteResponse, UploadResult } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { codeOf } from '../upload-error.ts';

/** What came of asking for completion: the object, or the refusal to build it from what the store has. */
export interface Completion {
  readonly result?: UploadResult;
  readonly refusal?: unknown;
}

/**
 * Times that the call is given up. Everything is stored by then: an outage costs the good news, not the upload. With the
 * retries of each call it may last some minutes.
 */
const PATIENCE = 8;

/**
 * Asks for completion until there is an answer: the store may take minutes for many parts, and the coordinator says
 * `COMPLETING` meanwhile. Nobody who answers is no answer: the upload may well be complete.
 */
export async function completeUpload(
  { clock }: { readonly clock: Clock },
  ask: (signal: AbortSignal) => Promise<CompleteResponse>,
  signal: AbortSignal,
): Promise<Completion> {
  for (let left = PATIENCE; ;) {
    const answer = await ask(signal).catch((error: unknown) => {
      const code = codeOf(error);
      if (/^(completion|parts)-/.test(code)) return { refusal: error };
      if (/able$/i.test(code) && --left) return { retryAfterSeconds: 2 };
      throw error;
    });
    if (!('retryAfterSeconds' in answer)) return answer;
    await clock.sleep(answer.retryAfterSeconds * 1_000, signal);
  }
}

/**
 * Refusals that an upload gives as well once another run, or another tab, has completed it. Asking for completion tells
 * the truth: the result, or what is missing.
 */
export function leaveToCompletion(error: unknown): undefined {
  if (!/^(NoSuchUpload|upload-complet)/.test(codeOf(error))) throw error;
}
