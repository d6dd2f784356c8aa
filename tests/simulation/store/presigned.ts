import { createHmac } from 'node:crypto';
import { CUSTOMER_KEY_HEADERS, type Grant } from '@longhaul/protocol';
import { S3Refusal } from './s3-refusal.ts';

/** What a presigned URL allows. */
export interface Permission {
  readonly key: string;
  readonly part?: { readonly s3UploadId: string; readonly partNumber: number };
  /** Left out: to write. */
  readonly method?: 'GET';
  readonly versionId?: string;
  /** 0 of a GET. */
  readonly sizeBytes: number;
  /** Must be sent exactly like this. */
  readonly headers: Readonly<Record<string, string>>;
  /** The same, and the grant does not tell them. */
  readonly secretHeaders?: Readonly<Record<string, string>>;
}

/** A request to a presigned URL. Default: PUT. */
export interface PresignedRequest {
  readonly method?: 'GET';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly sizeBytes: number;
}

const ORIGIN = 'https://simulated.store.test';
const SECRET = 'the secret of the simulated store';

/** URL of a key, without credentials. */
export function urlOf(key: string): string {
  return `${ORIGIN}/${key.split('/').map(encodeURIComponent).join('/')}`;
}

/** Signs like S3 does: key, query, named headers and the length go into the signature. */
export function presign(permission: Permission, nowEpochMs: number, expiresInSeconds: number): Grant {
  const { key, part, method, versionId, headers, secretHeaders = {}, sizeBytes } = permission;
  const signed = { ...headers, ...secretHeaders };
  const query = [
    `X-Amz-Date=${nowEpochMs}`,
    `X-Amz-Expires=${expiresInSeconds}`,
    `X-Amz-SignedHeaders=${Object.keys(signed).toSorted().join('%3B')}`,
    ...(versionId === undefined ? [] : [`versionId=${versionId}`]),
    ...(part ? [`partNumber=${part.partNumber}`, `uploadId=${part.s3UploadId}`] : []),
  ].join('&');
  const url = `${urlOf(key)}?${query}`;
  return {
    partNumber: part?.partNumber ?? 1,
    url: `${url}&X-Amz-Signature=${signatureOf({ method, url }, signed, sizeBytes)}`,
    headers,
    expiresInSeconds,
  };
}

/**
 * What a request may do.
 *
 * @throws S3Refusal `SignatureDoesNotMatch` or `AccessDenied`
 */
export function readPresigned(
  { method, url, headers, sizeBytes }: PresignedRequest,
  nowEpochMs: number,
  refusesUnsignedHeaders: boolean,
): Permission {
  const [unsigned = '', signature = ''] = url.split('&X-Amz-Signature=');
  const { pathname, searchParams } = new URL(unsigned);
  const names = (searchParams.get('X-Amz-SignedHeaders') ?? '').split(';').filter(Boolean);
  const signed = Object.fromEntries(names.map((name) => [name, headers[name] ?? '']));
  if (signatureOf({ method, url: unsigned }, signed, sizeBytes) !== signature)
    throw new S3Refusal(403, 'SignatureDoesNotMatch');
  // A key that nobody has signed is none of the coordinator's.
  const hasForeignKey = CUSTOMER_KEY_HEADERS.key in headers && !names.includes(CUSTOMER_KEY_HEADERS.key);
  if (hasForeignKey) throw new S3Refusal(403, 'AccessDenied');
  const isSmuggled = Object.keys(headers).some((name) => name.startsWith('x-amz-') && !names.includes(name));
  if (isSmuggled && refusesUnsignedHeaders) throw new S3Refusal(403, 'AccessDenied');
  const expiresEpochMs =
    Number(searchParams.get('X-Amz-Date')) + Number(searchParams.get('X-Amz-Expires')) * 1000;
  if (nowEpochMs >= expiresEpochMs) throw new S3Refusal(403, 'AccessDenied');
  const s3UploadId = searchParams.get('uploadId');
  const versionId = searchParams.get('versionId');
  return {
    key: decodeURIComponent(pathname.slice(1)),
    ...(s3UploadId !== null && { part: { s3UploadId, partNumber: Number(searchParams.get('partNumber')) } }),
    ...(versionId !== null && { versionId }),
    sizeBytes,
    headers,
  };
}

function signatureOf(
  { method, url }: { readonly method: 'GET' | undefined; readonly url: string },
  headers: Readonly<Record<string, string>>,
  sizeBytes: number,
): string {
  const lines = Object.entries(headers)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`);
  return createHmac('sha256', SECRET)
    .update(`${method ?? 'PUT'} ${url}\n${lines.join('')}content-length:${sizeBytes}`)
    .digest('hex');
}
