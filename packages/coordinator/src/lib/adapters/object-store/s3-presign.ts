import { S3RequestPresigner } from '@aws-sdk/s3-request-presigner';
import { CUSTOMER_KEY_HEADERS, MAX_PRESIGNED_EXPIRY_SECONDS } from '@longhaul/protocol';
import { ObjectStoreError } from '../../ports/object-store.ts';
import type { S3Connection } from './s3-client.ts';
import { toObjectStoreError } from './s3-error.ts';

/** A request to be presigned. */
export interface RequestToSign {
  readonly method: 'GET' | 'PUT' | 'POST';
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names. All of them are signed as headers, none is moved into the URL. */
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresInSeconds: number;
}

/** A presigned request, as others send it. */
export interface SignedRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly expiresInSeconds: number;
}

/** Presigns a request. */
export type SignRequest = (request: RequestToSign) => Promise<SignedRequest>;

/**
 * Makes the function that signs. It hands a ready request to the signer, which is six times as fast as sending a
 * command through the SDK's middleware for each URL.
 */
export function createRequestSigner({ client, region }: S3Connection, bucketUrl: string): SignRequest {
  const { credentials, sha256 } = client.config;
  const presigner = new S3RequestPresigner({ credentials, region, sha256 });
  const { protocol, hostname, port, pathname } = new URL(bucketUrl);
  const address = { protocol, hostname, ...(port && { port: Number(port) }) };
  const bucketPath = pathname.replace(/\/$/, '');

  return async (request) => {
    const nowEpochMs = Date.now();
    try {
      const { expiration } = await credentials();
      const expiresInSeconds = lifeOfUrl(request.expiresInSeconds, nowEpochMs, expiration);
      const signed = await presigner.presign(
        {
          ...address,
          method: request.method,
          path: `${bucketPath}/${encodeKey(request.key)}`,
          query: { ...request.query },
          headers: { ...request.headers },
        },
        {
          expiresIn: expiresInSeconds,
          // The SDK learns from the store's answers when this machine's clock is wrong.
          signingDate: new Date(nowEpochMs + client.config.systemClockOffset),
          // Left to itself the presigner drops content-type and cache-control and moves x-amz-* into the URL, where stores
          // ignore some.
          signableHeaders: new Set(Object.keys(request.headers)),
          unhoistableHeaders: new Set(Object.keys(request.headers)),
        },
      );
      const url = `${bucketUrl}/${encodeKey(request.key)}?${encodeQuery(signed.query ?? {})}`;
      return { url, headers: headersToSet(request.headers), expiresInSeconds };
    } catch (error) {
      throw toObjectStoreError(`Signing a ${request.method} of ${request.key}`, error);
    }
  };
}

/** Key as it stands in the path of a URL. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeStrictly).join('/');
}

/** A URL dies with the credentials that signed it, whatever it says of itself. */
function lifeOfUrl(askedSeconds: number, nowEpochMs: number, expiration: Date | undefined): number {
  const leftMs = (expiration?.getTime() ?? Number.POSITIVE_INFINITY) - nowEpochMs;
  const leftSeconds = Math.floor(leftMs / 1000);
  if (leftSeconds < 1) {
    throw new ObjectStoreError('refused', 'The credentials that sign URLs have expired; renew them', {
      s3Code: 'ExpiredToken',
    });
  }
  return Math.max(1, Math.min(Math.floor(askedSeconds), leftSeconds, MAX_PRESIGNED_EXPIRY_SECONDS));
}

/** HTTP clients set Content-Length themselves; browsers forbid to name it. A key is sent to nobody: its owner has it. */
function headersToSet(headers: RequestToSign['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !UNTOLD.has(name)));
}

const UNTOLD: ReadonlySet<string> = new Set(['content-length', CUSTOMER_KEY_HEADERS.key]);

function encodeQuery(query: Readonly<Record<string, unknown>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(String(value))}`)
    .join('&');
}

/** Encodes as RFC 3986 wants it; encodeURIComponent leaves five characters that signatures do not. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
