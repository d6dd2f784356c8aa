import type { CompleteOutcome } from '@longhaul/coordinator';

/**
 * What a store, or something before it, was seen to answer to CompleteMultipartUpload. `spoiled`: it says nothing of what
 * became of the upload; `honest`: the store's own word.
 */
export const COMPLETE_ANSWERS = {
  '200 with an ETag': 'honest',
  '200 with an error in its body': 'spoiled',
  '200 with an error and a newline': 'spoiled',
  '200 with a page of HTML': 'spoiled',
  '200 without an ETag': 'spoiled',
  '200 with nothing': 'spoiled',
  '200, spaces, then cut': 'spoiled',
  '200 with spaces only': 'spoiled',
  'no answer within the deadline': 'spoiled',
  'connection reset': 'spoiled',
  '500 InternalError': 'spoiled',
  '503 SlowDown': 'spoiled',
  '409 ConditionalRequestConflict': 'spoiled',
  '404 NoSuchUpload': 'spoiled',
  '412 PreconditionFailed': 'spoiled',
  '4xx refusal': 'honest',
} as const;

/** One of {@link COMPLETE_ANSWERS}. */
export type CompleteAnswer = keyof typeof COMPLETE_ANSWERS;

const NAMES = Object.keys(COMPLETE_ANSWERS) as CompleteAnswer[];

/** Answers that come although, or because, something else happened at the store. */
export const SPOILED_ANSWERS: readonly CompleteAnswer[] = NAMES.filter(
  (answer) => COMPLETE_ANSWERS[answer] === 'spoiled',
);

/** The name of what the store itself has said. */
export function honestAnswer({ kind }: CompleteOutcome, status: number): CompleteAnswer {
  if (kind === 'stored') return '200 with an ETag';
  if (kind === 'refused') return '4xx refusal';
  if (status === 200) return '200 without an ETag';
  if (status === 412) return '412 PreconditionFailed';
  return status === 404 ? '404 NoSuchUpload' : '500 InternalError';
}
