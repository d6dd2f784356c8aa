/** A URL without query, fragment and credentials: what may stand in a message. */
export function addressOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
