import type { Coordinator } from './ports/coordinator.ts';
import { codeOf, type UploadError } from './upload-error.ts';

/**
 * Asks as coordinators of today are asked. One from before, or a gateway in front of it, refuses what it does not know: then it
 * is asked as it knows it, and from then on at once.
 */
export async function preferNewer<Answer>(
  { learnt }: Pick<Coordinator, 'learnt'>,
  ask: (isOlder: boolean) => Promise<Answer>,
): Promise<Answer> {
  const { isOlder = false } = learnt;
  try {
    return await ask(isOlder);
  } catch (error) {
    if (isOlder || !isUnknownCall(error)) throw error;
    const answer = await ask(true);
    learnt.isOlder = true;
    return answer;
  }
}

/** The coordinator says so itself, or somebody in front of it who speaks no problem documents. */
function isUnknownCall(error: unknown): boolean {
  const { status = 0 } = error as Partial<UploadError>;
  return status < 500 && /^(bad-request|route-not-found|undefined)$/.test(codeOf(error));
}
