/**
 * Says who may create uploads. Later calls carry the upload's own token and do not pass here.
 *
 * @returns the owner, a non-empty name of at most 256 characters, whose uploads are kept apart from everybody else's; or
 * `undefined` to refuse
 * @throws AuthorizationUnavailableError when nobody can tell now: the caller is asked to try again
 * @example (request) => sessionOf(request)?.userId
 */
export type Authorize = (request: Request) => Promise<string | undefined> | string | undefined;

const refusals = new WeakMap<Request, string>();

/**
 * Why a hook refuses a request. It goes to the log and never to the caller; of several reasons all are told.
 *
 * @param reason in words of the hook's own: nothing that the caller has sent, least of all a token
 * @example if (session.isOver) noteRefusal(request, 'the session is over');
 */
export function noteRefusal(request: Request, reason: string): void {
  const known = refusals.get(request);
  refusals.set(request, known === undefined ? reason : `${known}; ${reason}`);
}

/** What {@link noteRefusal} was told. */
export function refusalOf(request: Request): string | undefined {
  return refusals.get(request);
}

/** What tells who a caller is cannot be reached, so nobody is let in for now. */
export class AuthorizationUnavailableError extends Error {
  override readonly name = 'AuthorizationUnavailableError';
}
