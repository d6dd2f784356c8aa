import type { S3Request } from '../http/s3-request.ts';
import { queryValue } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import { MAX_EXPIRES_SECONDS, MAX_SKEW_MS } from '../s3-limits.ts';
import type { AuthenticationOptions } from './authenticate-options.ts';
import type { CredentialScope, SignatureClaim } from './sigv4.ts';
import { SIGV4_ALGORITHM, parseCredential } from './sigv4.ts';
import { isoSeconds, parseAmzDate } from './timestamps.ts';

/** Reads the signature from the query; throws AuthorizationQueryParametersError. */
export function readPresignedQuery(request: S3Request, options: AuthenticationOptions): SignatureClaim {
  if (required(request, 'X-Amz-Algorithm') !== SIGV4_ALGORITHM) {
    throw queryError('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"');
  }
  const dateTime = required(request, 'X-Amz-Date');
  const scope = checkScope(required(request, 'X-Amz-Credential'), dateTime, options.region);
  readExpires(request);
  return {
    scope,
    dateTime,
    signedHeaders: required(request, 'X-Amz-SignedHeaders').toLowerCase().split(';'),
    signature: required(request, 'X-Amz-Signature'),
    payloadHash: readPayloadHash(request),
  };
}

/** Throws AccessDenied before the URL's life begins and after it ended. */
export function refuseOutsideLifetime(request: S3Request, nowEpochMs: number): void {
  const signedEpochMs = parseAmzDate(required(request, 'X-Amz-Date')) ?? 0;
  const expires = readExpires(request);
  const expiresEpochMs = signedEpochMs + expires * 1000;
  if (signedEpochMs > nowEpochMs + MAX_SKEW_MS) {
    throw new S3Error('AccessDenied', {
      message: 'Request is not yet valid',
      details: { 'X-Amz-Date': isoSeconds(signedEpochMs), ServerTime: isoSeconds(nowEpochMs) },
    });
  }
  if (nowEpochMs <= expiresEpochMs) return;
  throw new S3Error('AccessDenied', {
    message: 'Request has expired',
    details: {
      'X-Amz-Expires': String(expires),
      Expires: isoSeconds(expiresEpochMs),
      ServerTime: isoSeconds(nowEpochMs),
    },
  });
}

function checkScope(text: string, dateTime: string, region: string): CredentialScope {
  const scope = parseCredential(text);
  const prefix = 'Error parsing the X-Amz-Credential parameter;';
  if (scope === undefined) {
    throw queryError(
      `${prefix} the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    );
  }
  if (parseAmzDate(dateTime) === undefined) {
    throw queryError(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`);
  }
  if (!dateTime.startsWith(scope.date)) {
    throw queryError(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${dateTime.slice(0, 8)}".`,
    );
  }
  if (scope.region !== region) {
    throw queryError(`${prefix} the region '${scope.region}' is wrong; expecting '${region}'`, {
      Region: region,
    });
  }
  if (scope.service !== 's3') {
    throw queryError(`${prefix} incorrect service "${scope.service}". This endpoint belongs to "s3".`);
  }
  if (scope.terminator !== 'aws4_request') {
    throw queryError(
      `${prefix} incorrect terminal "${scope.terminator}". This endpoint uses "aws4_request".`,
    );
  }
  return scope;
}

/** Signers that hash the body say so in the header, or with the other parameters; names differ in their case. */
function readPayloadHash({ headers, queryPairs }: S3Request): string {
  const inQuery = queryPairs.find(([name]) => name.toLowerCase() === 'x-amz-content-sha256')?.[1];
  return headers.get('x-amz-content-sha256') ?? inQuery ?? 'UNSIGNED-PAYLOAD';
}

/** Seconds, from 1 to a week. */
function readExpires(request: S3Request): number {
  const text = required(request, 'X-Amz-Expires');
  if (!/^-?\d+$/.test(text)) throw queryError('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds < 0) throw queryError('X-Amz-Expires must be non-negative');
  if (seconds === 0) throw queryError('X-Amz-Expires must be greater than 0');
  if (seconds > MAX_EXPIRES_SECONDS) {
    throw queryError(
      `X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than ${MAX_EXPIRES_SECONDS} seconds`,
    );
  }
  return seconds;
}

function required(request: S3Request, name: string): string {
  const value = queryValue(request, name);
  if (value === undefined || value === '') throw queryError();
  return value;
}

function queryError(message?: string, details: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error('AuthorizationQueryParametersError', {
    ...(message !== undefined && { message }),
    details,
  });
}
