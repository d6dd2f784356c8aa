import { isLoopbackAddress, isLoopbackHost } from '../uploads/loopback.ts';

export { isLoopbackAddress, isLoopbackHost };

/** Says whether pages of an origin may call; `byName`: because it is listed itself, and not by `*`. */
export type IsAllowedOrigin = (origin: string, byName?: boolean) => boolean;

/**
 * Pages of the listed origins may call, with `*` those of any. Without a list: pages served from a loopback host.
 */
export function createOriginCheck(origins: readonly string[] | undefined): IsAllowedOrigin {
  if (origins) {
    return (origin, byName = false) => origins.includes(origin) || (!byName && origins.includes('*'));
  }
  return (origin) => URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname);
}
