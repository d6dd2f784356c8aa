/** What a listing asks for. */
export interface PageRequest {
  readonly prefix: string;
  /** Keys that share what lies between the prefix and this are shown as one; empty for none. */
  readonly delimiter: string;
  /** Only keys that are greater; empty for all. */
  readonly afterKey: string;
  readonly limit: number;
}

/** One page of a listing. */
export interface Page<T> {
  readonly entries: readonly T[];
  readonly commonPrefixes: readonly string[];
  /** Where the page ended, if there is more: at an entry, or at a common prefix, which then is the key. */
  readonly next: { readonly key: string; readonly entry: T | undefined } | undefined;
}

/** Compares by the bytes of UTF-8, the order of S3. UTF-16, the order of `<`, differs above U+FFFF. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * Cuts one page out of sorted entries. Several entries may have one key (versions, uploads): `isSameKeyAfter` tells
 * which of those at the marker's own key come behind the marker.
 */
export function cutPage<T extends { readonly key: string }>(
  sorted: readonly T[],
  request: PageRequest,
  isSameKeyAfter: (entry: T) => boolean = () => false,
): Page<T> {
  const entries: T[] = [];
  const commonPrefixes: string[] = [];
  let last: Page<T>['next'];
  for (const entry of sorted) {
    if (!entry.key.startsWith(request.prefix) || !isBehind(entry, request, isSameKeyAfter)) continue;
    const commonPrefix = commonPrefixOf(entry.key, request);
    if (commonPrefix !== undefined && commonPrefix === commonPrefixes.at(-1)) continue;
    if (entries.length + commonPrefixes.length >= request.limit) {
      return { entries, commonPrefixes, next: last };
    }
    if (commonPrefix === undefined) {
      entries.push(entry);
      last = { key: entry.key, entry };
    } else {
      commonPrefixes.push(commonPrefix);
      last = { key: commonPrefix, entry: undefined };
    }
  }
  return { entries, commonPrefixes, next: undefined };
}

function isBehind<T extends { readonly key: string }>(
  entry: T,
  { afterKey, delimiter }: PageRequest,
  isSameKeyAfter: (entry: T) => boolean,
): boolean {
  if (afterKey === '') return true;
  // A page that ended with a common prefix has told of all keys below it.
  if (delimiter !== '' && afterKey.endsWith(delimiter) && entry.key.startsWith(afterKey)) return false;
  const order = compareKeys(entry.key, afterKey);
  return order > 0 || (order === 0 && isSameKeyAfter(entry));
}

function commonPrefixOf(key: string, { prefix, delimiter }: PageRequest): string | undefined {
  if (delimiter === '') return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end === -1 ? undefined : key.slice(0, end + delimiter.length);
}
