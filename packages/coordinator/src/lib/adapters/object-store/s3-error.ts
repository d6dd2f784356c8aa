import { certificateProblem } from '@longhaul/protocol';
import { ObjectStoreError } from '../../ports/object-store.ts';
import { redactText } from '../../redact.ts';

/** What a failed call of the SDK tells, whatever shape it came in. */
export interface S3Failure {
  /** HTTP status of the answer; `undefined` when there was none. */
  readonly httpStatus: number | undefined;
  /** Code of an S3 error body, by the name that AWS gives it; `undefined` without such a body (HEAD, a proxy's page, no answer). */
  readonly s3Code: string | undefined;
  /** In words. Never holds a URL or a header, so no signature either. */
  readonly message: string;
}

/** Reads an error of the SDK. */
export function readS3Failure(error: unknown): S3Failure {
  const fields = asFields(error);
  const metadata = asFields(fields['$metadata']);
  const httpStatus = metadata['httpStatusCode'];
  const s3Code = fields['Code'];
  return {
    httpStatus: typeof httpStatus === 'number' ? httpStatus : undefined,
    s3Code: typeof s3Code === 'string' && s3Code !== '' ? (SYNONYMS[s3Code] ?? s3Code) : undefined,
    message: describe(fields),
  };
}

/**
 * The error that the port throws.
 *
 * @param call what was asked, for example `HeadObject of s3://bucket/key`
 */
export function toObjectStoreError(call: string, error: unknown): ObjectStoreError {
  if (error instanceof ObjectStoreError) return error;
  const failure = readS3Failure(error);
  const kind = kindOf(failure, error);
  const hint = hintFor(failure, error);
  const message = `${call} ${WHAT_HAPPENED[kind]}: ${failure.message}${hint && `; ${hint}`}`;
  return new ObjectStoreError(kind, message, { s3Code: failure.s3Code, cause: withoutSecrets(error) });
}

/** The store does not know the upload id. Ceph says NoSuchKey to a listing. */
export function isGoneUpload(error: unknown): boolean {
  const { s3Code } = readS3Failure(error);
  return s3Code === 'NoSuchUpload' || s3Code === 'NoSuchKey';
}

/** Nothing stands at the key. The answer to HEAD has no body, so only its status tells. */
export function isNothingThere(error: unknown): boolean {
  const { httpStatus, s3Code } = readS3Failure(error);
  return httpStatus === 404 && s3Code !== 'NoSuchBucket';
}

/** Codes that other stores have for what AWS calls by another name, which is the one that callers know. */
const SYNONYMS: Readonly<Record<string, string>> = {
  // MinIO
  XAmzContentChecksumMismatch: 'BadDigest',
};

const WHAT_HAPPENED: Readonly<Record<ObjectStoreError['kind'], string>> = {
  unreachable: 'got no usable answer',
  throttled: 'was throttled',
  refused: 'was refused',
  unsent: 'was not sent',
};

const HINTS: Readonly<Record<string, string>> = {
  AccessDenied: 'grant this action on the bucket to the credentials in use',
  InvalidAccessKeyId: 'check the credentials',
  SignatureDoesNotMatch: 'check the secret key and the region',
  ExpiredToken: 'renew the temporary credentials',
  NoSuchBucket: 'create the bucket or correct its name',
  PermanentRedirect: 'set the region that the bucket is in',
  AuthorizationHeaderMalformed: 'set the region that the bucket is in',
};

function hintFor({ s3Code, httpStatus }: S3Failure, error: unknown): string {
  if (isUnsigned(error)) return 'give credentials, for example AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  if (httpStatus === undefined) return certificateProblem(error) ?? 'check the endpoint and the network';
  return HINTS[s3Code ?? ''] ?? '';
}

const THROTTLING = new Set([429, 503]);
/** A 5xx that no repetition changes. */
const NOT_IMPLEMENTED = 501;
/** Sent with a 4xx, yet it says that the request did not arrive whole. */
const NOT_ARRIVED = new Set(['RequestTimeout', 'IncompleteBody']);

function kindOf({ httpStatus, s3Code }: S3Failure, error: unknown): ObjectStoreError['kind'] {
  if (isUnsent(error)) return 'unsent';
  if (THROTTLING.has(httpStatus ?? 0) || s3Code === 'SlowDown') return 'throttled';
  if (httpStatus === 408 || NOT_ARRIVED.has(s3Code ?? '')) return 'unreachable';
  if (httpStatus === undefined) return 'unreachable';
  return (httpStatus >= 300 && httpStatus < 500) || httpStatus === NOT_IMPLEMENTED
    ? 'refused'
    : 'unreachable';
}

/** For want of credentials, or of trust in the store's certificate. */
function isUnsent(error: unknown): boolean {
  return isUnsigned(error) || certificateProblem(error) !== undefined;
}

/** Without credentials nothing is sent, so nobody has refused anything. */
function isUnsigned(error: unknown): boolean {
  return asFields(error)['name'] === 'CredentialsProviderError';
}

const MAX_MESSAGE_CHARACTERS = 300;

function describe(fields: Fields): string {
  const httpStatus = asFields(fields['$metadata'])['httpStatusCode'];
  const words = [
    fields['Code'] ?? fields['code'] ?? fields['name'],
    typeof httpStatus === 'number' ? `(HTTP ${httpStatus})` : '',
    fields['message'],
  ];
  const text = words.filter((word) => typeof word === 'string' && word !== '').join(' ');
  return redactText(text).slice(0, MAX_MESSAGE_CHARACTERS);
}

/** The SDK's own error carries the response, and through it the request with its Authorization header. */
function withoutSecrets(error: unknown): Error | undefined {
  if (!(error instanceof Error)) return undefined;
  const cause = new Error(redactText(error.message));
  cause.name = error.name;
  if (error.stack !== undefined) cause.stack = redactText(error.stack);
  return cause;
}

type Fields = Readonly<Record<string, unknown>>;

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {};
}
