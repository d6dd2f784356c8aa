import { COMPLETE_ANSWERS, type CompleteAnswer } from '../actors/complete-answers.ts';

/** What was written down of a completion. */
export type CompletionVerdict = 'DONE' | 'REFUSED' | 'UNKNOWN' | 'TERMINAL';

/** What a HEAD has shown at an upload's key. */
export type HeadSeen = 'the object' | 'an object of somebody else' | 'nothing' | 'another size' | 'failure';

/** Answers to Complete by the verdicts that may follow them: rows of what stores answer, times outcomes. */
const ANSWER_BRANCHES: readonly string[] = Object.entries(COMPLETE_ANSWERS).flatMap(([answer, kind]) => {
  const verdicts: readonly CompletionVerdict[] =
    kind === 'spoiled'
      ? ['DONE', 'UNKNOWN']
      : answer === '4xx refusal'
        ? ['REFUSED']
        : ['DONE', 'UNKNOWN', 'TERMINAL'];
  return verdicts.map((verdict) => answerBranch(answer as CompleteAnswer, verdict));
});

/** What was observed, and what was made of it: rows of how to tell what happened, times outcomes. */
const PROOF_BRANCHES: readonly string[] = [
  'good answer, HEAD shows the object: DONE',
  'good answer, HEAD shows nothing: UNKNOWN',
  'good answer, HEAD shows another size: TERMINAL',
  'good answer, HEAD shows failure: UNKNOWN',
  'no clear answer, HEAD shows the object: DONE',
  'no clear answer, HEAD shows nothing: UNKNOWN',
  'no clear answer, HEAD shows another size: TERMINAL',
  'no clear answer, HEAD shows failure: UNKNOWN',
  'no clear answer, HEAD shows an object of somebody else: UNKNOWN',
  'refusal, HEAD shows nothing: REFUSED',
  'looked again, HEAD shows the object: DONE',
  'looked again, HEAD shows failure: UNKNOWN',
  'looked again, HEAD shows nothing, still listed: sent again',
  'looked again, HEAD shows nothing, listed no more: UNKNOWN',
  'looked again, HEAD shows nothing, listed no more: TERMINAL',
  'looked again, HEAD shows nothing, never listed: UNKNOWN',
  'looked again, HEAD shows nothing, never listed: TERMINAL',
  'looked again, HEAD shows another size: TERMINAL',
].map((branch) => `proof: ${branch}`);

/** Every branch that a run has to hit. */
export const BRANCHES: readonly string[] = [
  ...ANSWER_BRANCHES,
  'answer: unclear: TERMINAL',
  ...PROOF_BRANCHES,
];

/** Name of a branch of the first kind. */
export function answerBranch(answer: CompleteAnswer, verdict: CompletionVerdict): string {
  // Which unclear answer came before a failure makes no difference to it.
  const isUnclear = verdict === 'TERMINAL' && COMPLETE_ANSWERS[answer] === 'spoiled';
  return `answer: ${isUnclear ? 'unclear' : answer}: ${verdict}`;
}

/** Name of a branch of the second kind. */
export function proofBranch(asked: string, head: HeadSeen, ending: string): string {
  return `proof: ${asked}, HEAD shows ${head}${ending}`;
}
