import type { Handler } from 'hono';
import { CoordinatorError } from '../coordinator-error.ts';
import { problemResponse } from './problem-response.ts';

/** Answers whatever method no route of this path has taken. Register it last. */
export function onlyBy(...methods: readonly string[]): Handler {
  return ({ req }) => {
    const error = new CoordinatorError(
      'method-not-allowed',
      `This call is made by ${methods.join(' or ')}, not by ${req.method}.`,
    );
    const response = problemResponse(error);
    response.headers.set('allow', methods.join(', '));
    return response;
  };
}
