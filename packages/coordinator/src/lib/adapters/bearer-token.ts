/** Longer ones are none of ours: nothing is computed for them. */
const MAX_TOKEN_LENGTH = 8 * 1024;

/** What stands behind `Authorization: Bearer`; `undefined` without one. */
export function bearerToken(request: Request): string | undefined {
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(request.headers.get('authorization') ?? '') ?? [];
  return token !== undefined && token.length <= MAX_TOKEN_LENGTH ? token : undefined;
}
