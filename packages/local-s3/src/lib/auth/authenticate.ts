import { SIGNED_WITH_KEY, UNSIGNED_KEY_HEADER } from '../http/encryption.ts';
import type { S3Request } from '../http/s3-request.ts';
import { isPresigned } from '../http/s3-request.ts';
import { S3Error } from '../s3-error.ts';
import type { AuthenticationOptions } from './authenticate-options.ts';
import { readAuthorizationHeader, refuseSkewed } from './authorization-header.ts';
import { readPresignedQuery, refuseOutsideLifetime } from './presigned-query.ts';
import type { SignatureClaim } from './sigv4.ts';
import { isSignedWith } from './sigv4.ts';

/** What the signature says of the body: a SHA-256 in hex, `UNSIGNED-PAYLOAD`, or `STREAMING-…`. */
export interface Authenticated {
  readonly payloadHash: string;
}

/** Lets a request pass that the key's owner signed; throws what S3 answers to every other. */
export function authenticate(request: S3Request, options: AuthenticationOptions): Authenticated {
  const presigned = isPresigned(request);
  const authorization = request.headers.get('authorization');
  if (presigned && authorization !== null) throw new S3Error('InvalidArgument', { message: TWO_SIGNATURES });
  if (!presigned && authorization === null) throw new S3Error('AccessDenied');

  const claim = presigned ? readPresignedQuery(request, options) : readAuthorizationHeader(request, options);
  refuseSessionToken(request);
  refuseUnsignedHeaders(request, claim);
  if (presigned) refuseOutsideLifetime(request, options.nowEpochMs);
  else refuseSkewed(claim, options.nowEpochMs);
  refuseOtherKey(claim, options);
  if (!isSignedWith(request, claim, options.secretAccessKey)) throw signatureMismatch(claim);
  return { payloadHash: claim.payloadHash };
}

const TWO_SIGNATURES =
  'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified';

/** There are no temporary credentials here. */
function refuseSessionToken(request: S3Request): void {
  const inQuery = request.queryPairs.some(([name]) => name.toLowerCase() === 'x-amz-security-token');
  if (inQuery || request.headers.has('x-amz-security-token')) throw new S3Error('InvalidToken');
}

function refuseUnsignedHeaders(request: S3Request, claim: SignatureClaim): void {
  const signed = new Set(claim.signedHeaders);
  // A key of the caller's may come from whoever uses the URL, if whoever signed it has said that one will.
  const mayBringKey = isPresigned(request) && signed.has(SIGNED_WITH_KEY);
  const sensitive = [...request.headers.keys()].filter(
    (name) => name.startsWith('x-amz-') && !(mayBringKey && name === UNSIGNED_KEY_HEADER),
  );
  const unsigned = ['host', ...sensitive].filter((name) => !signed.has(name));
  if (unsigned.length === 0) return;
  throw new S3Error('AccessDenied', {
    message: 'There were headers present in the request which were not signed',
    details: { HeadersNotSigned: unsigned.join(', ') },
  });
}

function refuseOtherKey({ scope }: SignatureClaim, { accessKeyId }: AuthenticationOptions): void {
  if (scope.accessKeyId === accessKeyId) return;
  throw new S3Error('InvalidAccessKeyId', { details: { AWSAccessKeyId: scope.accessKeyId } });
}

function signatureMismatch({ scope, signature }: SignatureClaim): S3Error {
  const details = { AWSAccessKeyId: scope.accessKeyId, SignatureProvided: signature };
  return new S3Error('SignatureDoesNotMatch', { details });
}
