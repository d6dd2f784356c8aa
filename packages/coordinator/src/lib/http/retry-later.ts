import type { Context } from 'hono';

/** 200 with an answer; 202 with `Retry-After` when it says that the work goes on. */
export function retryLater(
  context: Context,
  answer: { readonly state: string; readonly retryAfterSeconds?: number },
): Response {
  if (answer.retryAfterSeconds === undefined) return context.json(answer, 200);
  return context.json(answer, 202, { 'retry-after': String(answer.retryAfterSeconds) });
}
