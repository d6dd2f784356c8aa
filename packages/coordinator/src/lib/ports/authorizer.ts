/**
 * Says who may create uploads. Later calls carry the upload's own token and do not pass here.
 *
 * @returns the owner, a non-empty name of at most 256 characters, whose uploads are kept apart from everybody else's; or
 * `undefined` to refuse
 * @throws AuthorizationUnavailableError when nobody can tell now: the caller is asked to try again
 * @example (request) => sessionOf(request)?.userId
 */
export type Authorize = (request: Request) => Promise<string | undefined> | string | undefined;

/** What tells who a caller is cannot be reached, so nobody is let in for now. */
export class AuthorizationUnavailableError extends Error {
  override readonly name = 'AuthorizationUnavailableError';
}
