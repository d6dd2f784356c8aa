import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import type { S3Request } from '../http/s3-request.ts';

/**
 * AWS Signature Version 4 as S3 uses it: the path is encoded once.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export const SIGV4_ALGORITHM = 'AWS4-HMAC-SHA256';

/** `accessKeyId/date/region/service/aws4_request`, taken apart. */
export interface CredentialScope {
  readonly accessKeyId: string;
  /** `yyyymmdd`. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminator: string;
}

/** What a client says about its signature, in the query or in the Authorization header. */
export interface SignatureClaim {
  readonly scope: CredentialScope;
  /** `yyyymmddThhmmssZ`. */
  readonly dateTime: string;
  /** Lower case, in the order given. */
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** What stands for the body in the canonical request. */
  readonly payloadHash: string;
}

/** Takes a credential apart; `undefined` when it has not five fields. The access key may hold slashes. */
export function parseCredential(text: string): CredentialScope | undefined {
  const fields = text.split('/');
  const [date, region, service, terminator] = fields.slice(-4);
  const accessKeyId = fields.slice(0, -4).join('/');
  if (date === undefined || region === undefined || service === undefined || terminator === undefined) {
    return undefined;
  }
  return accessKeyId === '' ? undefined : { accessKeyId, date, region, service, terminator };
}

/** Whether the signature is the one that the secret makes of this request. */
export function isSignedWith(request: S3Request, claim: SignatureClaim, secretAccessKey: string): boolean {
  const expected = Buffer.from(signatureOf(request, claim, secretAccessKey));
  const given = Buffer.from(claim.signature);
  return expected.length === given.length && timingSafeEqual(expected, given);
}

function signatureOf(request: S3Request, claim: SignatureClaim, secretAccessKey: string): string {
  const { date, region, service, terminator } = claim.scope;
  const scope = [date, region, service, terminator].join('/');
  const canonicalHash = createHash('sha256').update(canonicalRequest(request, claim), 'latin1').digest('hex');
  const stringToSign = [SIGV4_ALGORITHM, claim.dateTime, scope, canonicalHash].join('\n');
  const signingKey = [date, region, service, terminator].reduce<Buffer>(
    (key, field) => hmac(key, field),
    Buffer.from(`AWS4${secretAccessKey}`),
  );
  return hmac(signingKey, stringToSign).toString('hex');
}

/** Header values are bytes, which Node and fetch both present as Latin-1; all the rest is ASCII. */
function canonicalRequest(request: S3Request, claim: SignatureClaim): string {
  const headers = claim.signedHeaders.map((name) => `${name}:${canonicalValue(request.headers.get(name))}\n`);
  return [
    request.method,
    uriEncode(decodeURIComponent(request.rawPath), '/'),
    canonicalQuery(request),
    headers.join(''),
    claim.signedHeaders.join(';'),
    claim.payloadHash,
  ].join('\n');
}

function canonicalQuery(request: S3Request): string {
  return request.queryPairs
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .toSorted(([nameA, valueA], [nameB, valueB]) => compareText(nameA, nameB) || compareText(valueA, valueB))
    .map((pair) => pair.join('='))
    .join('&');
}

function canonicalValue(value: string | null): string {
  return (value ?? '').trim().replaceAll(/\s+/g, ' ');
}

/** Everything but `A-Za-z0-9-._~` becomes `%XX`, in capitals. */
function uriEncode(text: string, keep = ''): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', keep === '/' ? '/' : '%2F');
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
