import type { Context } from 'hono';

/** Says from which address a call comes; `undefined` when nobody knows. */
export type AddressOf = (call: Context) => string | undefined;

/** Longest text of an address: IPv6 with a zone, or in brackets with a port. */
const MAX_ADDRESS_LENGTH = 64;

/**
 * The address of the peer, or behind so many proxies of our own the one that the outermost of them has seen: what stands
 * further left in `X-Forwarded-For` the client may have written itself.
 */
export function createAddressOf(trustedProxyCount: number): AddressOf {
  return ({ req, env }) => {
    const peer = peerAddress(env);
    if (trustedProxyCount === 0) return peer;
    const seen = (req.header('x-forwarded-for') ?? '').split(',').map((entry) => entry.trim());
    const address = seen.at(-trustedProxyCount) ?? seen[0];
    return address && address.length <= MAX_ADDRESS_LENGTH ? withoutPort(address) : peer;
  };
}

/** Some proxies tell the port, too: each connection would count by itself. */
function withoutPort(entry: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(entry)?.[1] ?? /^([\d.]+):\d+$/.exec(entry)?.[1] ?? entry;
}

/** The address of the client as @hono/node-server passes it on; other servers have other ways. */
export function peerAddress(env: unknown): string | undefined {
  const { incoming } = (env ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress;
}

/** Who has one IPv6 address has 2^64 of them: they count as one. */
export function addressGroup(address: string): string {
  const v4 = /^(?:::ffff:)?(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  if (v4 !== undefined) return v4;
  const [head = '', tail] = address.toLowerCase().split('::', 2);
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros =
    tail === undefined ? [] : Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  const groups = [...left, ...zeros, ...right].map((group) => group.replace(/^0+(?=.)/, ''));
  return groups.length === 8 ? groups.slice(0, 4).join(':') : address;
}
