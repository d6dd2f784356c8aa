import { CoordinatorError } from '../coordinator-error.ts';

/** `image/png` or `image/*`, without parameters. */
const PATTERN = /^[\w!#$&^.+-]+\/(\*|[\w!#$&^.+-]+)$/;

/** What is wrong with an allow-list; `undefined` when it is good. */
export function contentTypesError(allowed: readonly string[] | undefined): string | undefined {
  const wrong = allowed?.find((pattern) => !PATTERN.test(pattern));
  return wrong === undefined
    ? undefined
    : `allowedContentTypes must hold media types such as image/png or image/*, got "${wrong}"`;
}

/**
 * Refuses a content type that the server does not take. Parameters (`; charset=…`) are not looked at, capitals are equal
 * to small letters.
 *
 * A value may hold commas (`video/webm;codecs=vp9,opus`), and browsers read a header with commas as a list whose last media
 * type is the one that counts: `image/png;a=b,text/html` is a page to them. So every media type in it has to be allowed.
 *
 * @throws CoordinatorError `content-type-refused`
 */
export function assertContentType(contentType: string, allowed: readonly string[] | undefined): void {
  if (!allowed) return;
  const [first = '', ...more] = contentType.toLowerCase().split(',').map(essenceOf);
  const refused = [first, ...more.filter((piece) => piece.includes('/'))].find(
    (mediaType) => !isAllowed(mediaType, allowed),
  );
  if (refused === undefined) return;
  throw new CoordinatorError(
    'content-type-refused',
    `This server takes no ${refused}. Say what the content is; it takes ${allowed.join(', ') || 'nothing'}.`,
  );
}

function essenceOf(piece: string): string {
  return (piece.split(';', 1)[0] ?? '').trim();
}

function isAllowed(mediaType: string, allowed: readonly string[]): boolean {
  const family = `${mediaType.split('/', 1)[0]}/*`;
  return allowed.some((pattern) => [mediaType, family].includes(pattern.toLowerCase()));
}
