import { COMPLETE_ANSWERS, type CompleteAnswer } from '../actors/complete-answers.ts';

/** What was written down of a completion. */
export type CompletionVerdict = 'DONE' | 'REFUSED' | 'UNKNOWN' | 'TERMINAL';

/** What a HEAD has shown at an upload's key. */
export type HeadSeen = 'the object' | 'nothing' | 'another size' | 'failure';

/** Answers to Complete by the verdicts that may follow them: rows of what stores answer, times outcomes. */
const ANSWER_VERDICTS: Record<CompleteAnswer, readonly CompletionVerdict[]> = {
  ...(Object.fromEntries(
    Object.keys(COMPLETE_ANSWERS).map((answer) => [answer, ['DONE', 'UNKNOWN']]),
  ) as unknown as Record<CompleteAnswer, readonly CompletionVerdict[]>),
  '200 with an ETag': ['DONE', 'UNKNOWN', 'TERMINAL'],
  '4xx refusal': ['REFUSED', 'DONE'],
};

/** What was observed, and what was made of it: rows of how to tell what happened, times outcomes. */
const PROOF_VERDICTS: readonly string[] = [
  'good answer, HEAD shows the object: DONE',
  'good answer, HEAD shows nothing: UNKNOWN',
  'good answer, HEAD shows another size: TERMINAL',
  'good answer, HEAD shows failure: UNKNOWN',
  'no clear answer, HEAD shows the object: DONE',
  'no clear answer, HEAD shows nothing: UNKNOWN',
  'no clear answer, HEAD shows failure: UNKNOWN',
  'refusal, HEAD shows nothing: REFUSED',
  'looked again, HEAD shows the object: DONE',
  'looked again, HEAD shows failure: UNKNOWN',
  'looked again, HEAD shows nothing, still listed: sent again',
  'looked again, HEAD shows nothing, listed no more: UNKNOWN',
  'looked again, HEAD shows nothing, listed no more: TERMINAL',
];

/** Every branch that a run has to hit. */
export const BRANCHES: readonly string[] = [
  ...Object.entries(ANSWER_VERDICTS).flatMap(([answer, verdicts]) =>
    verdicts.map((verdict) => answerBranch(answer as CompleteAnswer, verdict)),
  ),
  ...PROOF_VERDICTS.map((branch) => `proof: ${branch}`),
];

/** Name of a branch of the first kind. */
export function answerBranch(answer: CompleteAnswer, verdict: CompletionVerdict): string {
  return `answer: ${answer}: ${verdict}`;
}

/** Name of a branch of the second kind. */
export function proofBranch(asked: string, head: HeadSeen, ending: string): string {
  return `proof: ${asked}, HEAD shows ${head}${ending}`;
}
