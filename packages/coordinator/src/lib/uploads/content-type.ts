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
 * @throws CoordinatorError `content-type-refused`
 */
export function assertContentType(contentType: string, allowed: readonly string[] | undefined): void {
  const [essence = ''] = contentType.toLowerCase().split(';', 1);
  const mediaType = essence.trim();
  const family = `${mediaType.split('/', 1)[0]}/*`;
  const isAllowed = allowed?.some((pattern) => [mediaType, family].includes(pattern.toLowerCase()));
  if (isAllowed ?? true) return;
  throw new CoordinatorError(
    'content-type-refused',
    `This server takes no ${mediaType}. Say what the content is; it takes ${allowed?.join(', ') || 'nothing'}.`,
  );
}
