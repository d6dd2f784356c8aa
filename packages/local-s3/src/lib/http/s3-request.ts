import { S3Error } from '../s3-error.ts';
import { MAX_KEY_BYTES } from '../s3-limits.ts';

/** A request with its address taken apart, before anybody has looked at what it wants. */
export interface S3Request {
  readonly method: string;
  /** As sent, up to the question mark. */
  readonly rawPath: string;
  /** Decoded, in the order sent. */
  readonly queryPairs: readonly QueryPair[];
  readonly headers: Headers;
  /** `undefined` for the service itself. */
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Name and value. */
export type QueryPair = readonly [name: string, value: string];

/** What the server got, from the wire or as a `Request`. */
export interface IncomingS3Request {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Takes the address apart, path-style: `/bucket/key`. Throws InvalidURI and KeyTooLongError. */
export function parseS3Request({ method, target, headers, body }: IncomingS3Request): S3Request {
  const queryStart = target.indexOf('?');
  const rawPath = queryStart === -1 ? target : target.slice(0, queryStart);
  const rawQuery = queryStart === -1 ? '' : target.slice(queryStart + 1);
  const { bucket, key } = parsePath(rawPath);
  return { method, rawPath, queryPairs: parseQuery(rawQuery), headers, bucket, key, body };
}

/** Value of a query parameter; the first one counts. */
export function queryValue(request: S3Request, name: string): string | undefined {
  return request.queryPairs.find(([candidate]) => candidate === name)?.[1];
}

/** Whether the signature stands in the query. */
export function isPresigned(request: S3Request): boolean {
  return (
    queryValue(request, 'X-Amz-Algorithm') !== undefined ||
    queryValue(request, 'X-Amz-Signature') !== undefined
  );
}

/**
 * Value of an `x-amz-*` header. Presigners move such headers into the query, where S3 honours them too, except for
 * checksum values: those count only as headers.
 */
export function amzHeader(request: S3Request, name: string): string | undefined {
  return request.headers.get(name) ?? hoistedHeaders(request).get(name);
}

/** `x-amz-*` headers in the query of a presigned URL, names in lower case. */
export function hoistedHeaders(request: S3Request): ReadonlyMap<string, string> {
  if (!isPresigned(request)) return new Map();
  const pairs = request.queryPairs.map(([name, value]) => [name.toLowerCase(), value] as const);
  return new Map(pairs.filter(([name]) => name.startsWith('x-amz-') && !isIgnoredInQuery(name)));
}

const SIGNING_PARAMETERS: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-content-sha256',
  'x-amz-sdk-checksum-algorithm',
]);

function isIgnoredInQuery(name: string): boolean {
  const isChecksumValue = /^x-amz-checksum-(crc32|crc32c|crc64nvme|sha1|sha256)$/.test(name);
  return isChecksumValue || SIGNING_PARAMETERS.has(name);
}

function parsePath(rawPath: string): { bucket: string | undefined; key: string | undefined } {
  const path = decode(rawPath).slice(1);
  const slash = path.indexOf('/');
  const bucket = slash === -1 ? path : path.slice(0, slash);
  const key = slash === -1 ? '' : path.slice(slash + 1);
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    const details = { Size: String(Buffer.byteLength(key)), MaxSizeAllowed: String(MAX_KEY_BYTES) };
    throw new S3Error('KeyTooLongError', { details });
  }
  return { bucket: bucket === '' ? undefined : bucket, key: key === '' ? undefined : key };
}

function parseQuery(rawQuery: string): readonly QueryPair[] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const [name, value] = equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return [decode(name.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))];
    });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { cause });
  }
}
