/**
 * Says who may create uploads. Later calls carry the upload's own token and do not pass here.
 *
 * @returns the owner, a non-empty name of at most 256 characters, whose uploads are kept apart from everybody else's; or `undefined` to refuse
 * @example (request) => sessionOf(request)?.userId
 */
export type Authorize = (request: Request) => Promise<string | undefined> | string | undefined;
