/** Says whether pages of an origin may call. */
export type IsAllowedOrigin = (origin: string) => boolean;

/**
 * Pages of the listed origins may call, with `*` those of any. Without a list: pages served from a loopback host.
 */
export function createOriginCheck(origins: readonly string[] | undefined): IsAllowedOrigin {
  if (origins) return (origin) => origins.includes(origin) || origins.includes('*');
  return (origin) => URL.canParse(origin) && isLoopbackHost(new URL(origin).hostname);
}

/** `localhost`, 127.0.0.0/8 or ::1, as a URL writes them. */
export function isLoopbackHost(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || isLoopbackAddress(hostname);
}

/** 127.0.0.0/8 or ::1, as a socket writes them. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address);
}
