import type { Context } from 'hono';
import { type Problem, PROBLEM_STATUS, PROBLEM_TITLES } from '@longhaul/protocol';
import { currentCall } from './call-scope.ts';
import { CoordinatorError } from '../coordinator-error.ts';
import { AuthorizationUnavailableError } from '../ports/authorizer.ts';
import { CatalogError } from '../ports/catalog.ts';
import { KeyVaultError } from '../ports/key-vault.ts';
import { ObjectStoreError } from '../ports/object-store.ts';
import { StateStoreError } from '../ports/state-store.ts';

/** How long a client should wait when something behind the coordinator is away. */
const OUTAGE_RETRY_SECONDS = 2;

/** The only place where an error becomes an answer. */
export function problemResponse(error: unknown): Response {
  const problem = problemOf(error);
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (problem.retryAfterSeconds !== undefined) headers['retry-after'] = String(problem.retryAfterSeconds);
  return new Response(JSON.stringify(problem), { status: problem.status, headers });
}

/** The answer to a path or method that does not exist. */
export function routeNotFound(context: Context): Response {
  const { method, path } = context.req;
  return problemResponse(new CoordinatorError('route-not-found', `There is no ${method} ${path} here.`));
}

/** An error as a problem document. What is not ours says nothing of itself: it may hold anything. */
export function problemOf(error: unknown): Problem {
  const known = asCoordinatorError(error);
  const call = currentCall();
  if (call) call.problem = known.code;
  return {
    type: `urn:longhaul:problem:${known.code}`,
    title: PROBLEM_TITLES[known.code],
    status: PROBLEM_STATUS[known.code],
    code: known.code,
    detail: known.message,
    ...known.details,
    ...(call && { requestId: call.requestId }),
  };
}

function asCoordinatorError(error: unknown): CoordinatorError {
  if (error instanceof CoordinatorError) return error;
  const retry = { retryAfterSeconds: OUTAGE_RETRY_SECONDS };
  if (error instanceof ObjectStoreError) {
    const { s3Code, kind } = error;
    const details = s3Code === undefined ? {} : { s3Code };
    // The store's own words may name accounts, roles and addresses inside: they are for the log.
    const words = `${s3Code === undefined ? '' : ` with ${s3Code}`}. The coordinator's log says more`;
    if (kind === 'unsent') {
      return new CoordinatorError(
        'store-refused',
        'The coordinator is not set up to reach its store. Its log says more.',
      );
    }
    if (kind === 'refused')
      return new CoordinatorError('store-refused', `The store refused${words}.`, details);
    return new CoordinatorError('store-unreachable', `The store cannot be used now${words}. Try again.`, {
      ...details,
      ...retry,
    });
  }
  if (error instanceof CatalogError) {
    return new CoordinatorError('catalog-unavailable', 'The catalog cannot be used now. Try again.', retry);
  }
  if (error instanceof StateStoreError) {
    return new CoordinatorError('state-unavailable', 'The state store cannot be used now. Try again.', retry);
  }
  if (error instanceof KeyVaultError) {
    return new CoordinatorError(
      'key-vault-unavailable',
      'The vault of keys cannot be used now. Try again.',
      retry,
    );
  }
  if (error instanceof AuthorizationUnavailableError) {
    return new CoordinatorError(
      'authorization-unavailable',
      'Nobody can tell now who you are. Try again.',
      retry,
    );
  }
  return new CoordinatorError(
    'internal-error',
    'Something went wrong inside the coordinator. Its log says more.',
  );
}
