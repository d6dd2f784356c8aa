import type { S3Request } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import { MAX_SKEW_MS } from '../s3-limits.ts';
import type { AuthenticationOptions } from './authenticate-options.ts';
import type { SignatureClaim } from './sigv4.ts';
import { SIGV4_ALGORITHM, parseCredential } from './sigv4.ts';
import { isoSeconds, parseAmzDate } from './timestamps.ts';

/** Reads the signature from the Authorization header; throws AuthorizationHeaderMalformed and its kin. */
export function readAuthorizationHeader(
  request: S3Request,
  { region }: AuthenticationOptions,
): SignatureClaim {
  const fields = readFields(request.headers.get('authorization') ?? '');
  const scope = parseCredential(fields.Credential);
  const prefix = 'The authorization header is malformed;';
  if (scope === undefined) {
    throw malformed(
      `${prefix} the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`,
    );
  }
  if (scope.region !== region) {
    throw malformed(`${prefix} the region '${scope.region}' is wrong; expecting '${region}'`, {
      Region: region,
    });
  }
  if (scope.service !== 's3' || scope.terminator !== 'aws4_request') {
    throw malformed(`${prefix} incorrect service "${scope.service}". This endpoint belongs to "s3".`);
  }
  const dateTime = readDate(request);
  if (!dateTime.startsWith(scope.date)) {
    throw malformed(
      `${prefix} Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${dateTime.slice(0, 8)}".`,
    );
  }
  return {
    scope,
    dateTime,
    signedHeaders: fields.SignedHeaders.toLowerCase().split(';'),
    signature: fields.Signature,
    payloadHash: readPayloadHash(request),
  };
}

/** Throws RequestTimeTooSkewed when the client's clock is more than 15 minutes off. */
export function refuseSkewed({ dateTime }: SignatureClaim, nowEpochMs: number): void {
  const signedEpochMs = parseAmzDate(dateTime) ?? 0;
  if (Math.abs(signedEpochMs - nowEpochMs) <= MAX_SKEW_MS) return;
  throw new S3Error('RequestTimeTooSkewed', {
    details: {
      RequestTime: dateTime,
      ServerTime: isoSeconds(nowEpochMs),
      MaxAllowedSkewMilliseconds: String(MAX_SKEW_MS),
    },
  });
}

interface AuthorizationFields {
  readonly Credential: string;
  readonly SignedHeaders: string;
  readonly Signature: string;
}

function readFields(header: string): AuthorizationFields {
  if (!header.startsWith(`${SIGV4_ALGORITHM} `)) {
    throw new S3Error('InvalidRequest', {
      message: 'The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.',
    });
  }
  const pairs = header
    .slice(SIGV4_ALGORITHM.length)
    .split(',')
    .map((pair) => pair.trim().split('='));
  const fields = new Map(pairs.map(([name = '', ...value]) => [name, value.join('=')]));
  const Credential = fields.get('Credential');
  const SignedHeaders = fields.get('SignedHeaders');
  const Signature = fields.get('Signature');
  if (Credential === undefined || SignedHeaders === undefined || Signature === undefined) {
    throw malformed(
      'The authorization header is malformed; the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    );
  }
  return { Credential, SignedHeaders, Signature };
}

function readDate(request: S3Request): string {
  const dateTime = request.headers.get('x-amz-date') ?? '';
  if (parseAmzDate(dateTime) !== undefined) return dateTime;
  throw new S3Error('AccessDenied', {
    message: 'AWS authentication requires a valid Date or x-amz-date header',
  });
}

function readPayloadHash(request: S3Request): string {
  const hash = request.headers.get('x-amz-content-sha256');
  if (hash === null) {
    throw new S3Error('InvalidRequest', {
      message: 'Missing required header for this request: x-amz-content-sha256',
    });
  }
  return hash;
}

function malformed(message: string, details: Readonly<Record<string, string>> = {}): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', { message, details });
}
