import { createHash } from 'node:crypto';
import { S3Error, notImplemented } from '../s3-error.ts';
import type { KeptEncryption } from '../store/versions.ts';
import type { S3Request } from './s3-request.ts';
import { amzHeader } from './s3-request.ts';

const SSE = 'x-amz-server-side-encryption';
const KMS_KEY_ID = `${SSE}-aws-kms-key-id`;
const CUSTOMER = `${SSE}-customer`;
const SOURCE_CUSTOMER = 'x-amz-copy-source-server-side-encryption-customer';

/** Headers by which encryption at rest is asked for. */
export const ENCRYPTION_HEADERS: readonly string[] = [
  SSE,
  KMS_KEY_ID,
  `${CUSTOMER}-algorithm`,
  `${CUSTOMER}-key`,
  `${CUSTOMER}-key-md5`,
  `${SOURCE_CUSTOMER}-algorithm`,
  `${SOURCE_CUSTOMER}-key`,
  `${SOURCE_CUSTOMER}-key-md5`,
];

/** The key itself may be left out of a signature that has the algorithm: whoever signs need not know it. */
export const UNSIGNED_KEY_HEADER: string = `${CUSTOMER}-key`;
export const SIGNED_WITH_KEY: string = `${CUSTOMER}-algorithm`;

/** Key of KMS that is used where none is named. */
const DEFAULT_KMS_KEY_ID = 'alias/aws/s3';

const KEY_BYTES = 32;

/**
 * What is asked for when an object is begun. Nothing is encrypted here: it is remembered and shown, and of a key its digest is
 * kept, so that the wrong one is refused.
 *
 * @throws S3Error `InvalidArgument`, `InvalidRequest`, `NotImplemented`
 */
export function readEncryption(request: S3Request): KeptEncryption | undefined {
  const customer = readCustomerKey(request);
  const mode = amzHeader(request, SSE);
  if (customer && mode !== undefined) {
    throw new S3Error('InvalidArgument', {
      message:
        'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    });
  }
  if (customer || mode === undefined) return customer;
  if (mode === 'AES256') return { mode: 'AES256' };
  if (mode !== 'aws:kms') throw notImplemented(SSE);
  return { mode: 'aws:kms', kmsKeyId: amzHeader(request, KMS_KEY_ID) ?? DEFAULT_KMS_KEY_ID };
}

/** The key that comes with a request. @throws S3Error `InvalidArgument` when it is none, or its MD5 another's */
function readCustomerKey(request: S3Request, prefix: string = CUSTOMER): KeptEncryption | undefined {
  const [algorithm, key, md5] = ['algorithm', 'key', 'key-md5'].map((part) =>
    amzHeader(request, `${prefix}-${part}`),
  );
  if (algorithm === undefined && key === undefined && md5 === undefined) return undefined;
  if (algorithm !== 'AES256') throw invalid('The encryption method specified is not supported', algorithm);
  const bytes = Buffer.from(key ?? '', 'base64');
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== key)
    throw invalid('The secret key was invalid for the specified algorithm.', algorithm);
  if (createHash('md5').update(bytes).digest('base64') !== md5)
    throw invalid('The calculated MD5 hash of the key did not match the hash that was provided.', algorithm);
  return { mode: 'customer', keyDigest: createHash('sha256').update(bytes).digest('hex'), keyMd5: md5 };
}

/** Refuses a part that does not bring the key of its upload, or brings one for an upload without. */
export function refuseOtherPartKey(kept: KeptEncryption | undefined, request: S3Request): void {
  const brought = readCustomerKey(request);
  if (digestOf(kept) === digestOf(brought)) return;
  throw new S3Error('InvalidRequest', {
    message:
      digestOf(brought) === undefined
        ? 'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.'
        : 'The provided encryption parameters did not match the ones used originally.',
  });
}

/** Refuses to show an object to those who do not bring its key. */
export function refuseOtherReader(kept: KeptEncryption | undefined, request: S3Request): void {
  refuseOther(kept, readCustomerKey(request));
}

/** The same for the source of a copy, whose key has headers of its own. */
export function refuseOtherSourceReader(kept: KeptEncryption | undefined, request: S3Request): void {
  refuseOther(kept, readCustomerKey(request, SOURCE_CUSTOMER));
}

function refuseOther(kept: KeptEncryption | undefined, brought: KeptEncryption | undefined): void {
  if (digestOf(kept) === digestOf(brought)) return;
  if (digestOf(kept) !== undefined && brought) throw new S3Error('AccessDenied');
  throw new S3Error('InvalidRequest', {
    message: brought
      ? 'The encryption parameters are not applicable to this object.'
      : 'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
  });
}

/** How an answer shows it. */
export function encryptionHeaders(kept: KeptEncryption | undefined): Record<string, string> {
  switch (kept?.mode) {
    case undefined:
      return {};
    case 'AES256':
      return { [SSE]: 'AES256' };
    case 'aws:kms':
      return { [SSE]: 'aws:kms', [KMS_KEY_ID]: kept.kmsKeyId };
    case 'customer':
      return { [`${CUSTOMER}-algorithm`]: 'AES256', [`${CUSTOMER}-key-md5`]: kept.keyMd5 };
  }
}

/** Under a key of KMS or of the caller an ETag is no MD5, as at S3: nobody may build on it. */
export function etagUnder(kept: KeptEncryption | undefined, md5: string): string {
  if (kept === undefined || kept.mode === 'AES256') return md5;
  return createHash('md5').update(md5).update(JSON.stringify(kept)).digest('hex');
}

function digestOf(kept: KeptEncryption | undefined): string | undefined {
  return kept?.mode === 'customer' ? kept.keyDigest : undefined;
}

function invalid(message: string, algorithm: string | undefined): S3Error {
  return new S3Error('InvalidArgument', {
    message,
    details: { ArgumentName: `${CUSTOMER}-algorithm`, ArgumentValue: algorithm ?? 'null' },
  });
}
