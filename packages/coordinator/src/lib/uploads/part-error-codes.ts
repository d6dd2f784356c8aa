/**
 * Codes that are labels of their own: S3's, for what can befall a part, and the SDK's for what is no answer of S3. Others
 * are one label, or a client could make a series of every word that it sends.
 */
const KNOWN: ReadonlySet<string> = new Set([
  'AccessDenied',
  'BadDigest',
  'ConditionalRequestConflict',
  'EntityTooLarge',
  'EntityTooSmall',
  'ExpiredToken',
  'IncompleteBody',
  'InternalError',
  'InvalidAccessKeyId',
  'InvalidDigest',
  'InvalidPart',
  'InvalidRequest',
  'InvalidToken',
  'NoSuchBucket',
  'NoSuchUpload',
  'OperationAborted',
  'PreconditionFailed',
  'QuotaExceeded',
  'RequestLimitExceeded',
  'RequestTimeTooSkewed',
  'RequestTimeout',
  'ServiceUnavailable',
  'SignatureDoesNotMatch',
  'SlowDown',
  'TooManyRequests',
  'XAmzContentChecksumMismatch',
  'STORE_REFUSED',
  'STORE_UNREACHABLE',
]);

/** The label of an error code that a client has told. */
export function labelOfCode(code: string): string {
  return KNOWN.has(code) ? code : 'other';
}
