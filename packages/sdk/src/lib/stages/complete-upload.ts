import type { CompleteResponse, UploadResult } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { problemOf } from '../upload-error.ts';

/** What came of asking for completion. */
export type Completion =
  | { readonly kind: 'completed'; readonly result: UploadResult }
  /** The coordinator names parts that the store does not have. */
  | { readonly kind: 'missing'; readonly partNumbers: readonly number[]; readonly error: unknown }
  /** The store would not build the object; only a look at what it has can tell why. */
  | { readonly kind: 'refused'; readonly error: unknown };

/**
 * Asks for completion until there is an answer: the store may take minutes for many parts, and the coordinator says
 * `COMPLETING` meanwhile.
 */
export async function completeUpload(
  ask: () => Promise<CompleteResponse>,
  clock: Clock,
  signal: AbortSignal,
): Promise<Completion> {
  for (;;) {
    const answer = await ask().catch(readRefusal);
    if (!('state' in answer)) return answer;
    if (answer.state === 'COMPLETED') return { kind: 'completed', result: answer.result };
    await clock.sleep(answer.retryAfterSeconds * 1_000, signal);
  }
}

function readRefusal(error: unknown): Completion {
  const problem = problemOf(error);
  if (problem?.code === 'parts-missing')
    return { kind: 'missing', partNumbers: problem.missingParts ?? [], error };
  if (problem?.code === 'completion-refused') return { kind: 'refused', error };
  throw error;
}
