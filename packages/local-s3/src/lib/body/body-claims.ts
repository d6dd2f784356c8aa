import type { ChecksumAlgorithm } from '../checksums/algorithms.ts';
import {
  CHECKSUM_ALGORITHMS,
  CHECKSUM_BYTES,
  checksumHeader,
  isChecksumAlgorithm,
} from '../checksums/algorithms.ts';
import type { S3Request } from '../http/s3-request.ts';
import { S3Error, notImplemented } from '../s3-error.ts';
import { MAX_PUT_SIZE_BYTES } from '../s3-limits.ts';

/** What a client says about the body that it sends, read from the headers before the body. */
export interface BodyClaims {
  /** Length of the content, without any framing. */
  readonly sizeBytes: number;
  readonly isAwsChunked: boolean;
  /** Content-MD5, base64. */
  readonly md5?: string;
  /** `x-amz-content-sha256` where it is a hash, hex. */
  readonly sha256?: string;
  readonly checksum?: ChecksumClaim;
}

/** A checksum that comes as a header, or as a trailer: then its value is not known yet. */
export interface ChecksumClaim {
  readonly algorithm: ChecksumAlgorithm;
  /** Base64. */
  readonly value?: string;
}

const UNSIGNED_TRAILER = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';

/** Reads the claims; throws what S3 answers to claims that cannot be true. */
export function readBodyClaims(request: S3Request, payloadHash: string): BodyClaims {
  const isAwsChunked = payloadHash.startsWith('STREAMING-');
  if (isAwsChunked && payloadHash !== UNSIGNED_TRAILER) throw notImplemented('x-amz-content-sha256');
  const md5 = readContentMd5(request);
  const checksum = readChecksumClaim(request);
  return {
    sizeBytes: readSize(request, isAwsChunked),
    isAwsChunked,
    ...(md5 !== undefined && { md5 }),
    ...(checksum !== undefined && { checksum }),
    ...(!isAwsChunked && payloadHash !== 'UNSIGNED-PAYLOAD' && { sha256: readSha256(payloadHash) }),
  };
}

function readSize(request: S3Request, isAwsChunked: boolean): number {
  const name = isAwsChunked ? 'x-amz-decoded-content-length' : 'content-length';
  const text = request.headers.get(name);
  if (text === null) {
    if (!isAwsChunked && request.headers.has('transfer-encoding')) throw notImplemented('Transfer-Encoding');
    throw new S3Error('MissingContentLength');
  }
  const sizeBytes = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(sizeBytes)) {
    throw new S3Error('InvalidArgument', { details: { ArgumentName: name, ArgumentValue: text } });
  }
  if (sizeBytes > MAX_PUT_SIZE_BYTES) {
    const details = { ProposedSize: text, MaxSizeAllowed: String(MAX_PUT_SIZE_BYTES) };
    throw new S3Error('EntityTooLarge', { details });
  }
  return sizeBytes;
}

function readContentMd5(request: S3Request): string | undefined {
  const md5 = request.headers.get('content-md5');
  if (md5 === null) return undefined;
  if (!isBase64Of(md5, 16)) throw new S3Error('InvalidDigest', { details: { 'Content-MD5': md5 } });
  return md5;
}

function readSha256(payloadHash: string): string {
  if (/^[0-9a-f]{64}$/.test(payloadHash)) return payloadHash;
  throw new S3Error('InvalidArgument', {
    message:
      'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, or a valid sha256 value.',
    details: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: payloadHash },
  });
}

function readChecksumClaim(request: S3Request): ChecksumClaim | undefined {
  const announced = request.headers.get('x-amz-sdk-checksum-algorithm')?.toUpperCase();
  const claims = [...checksumHeaders(request), ...checksumTrailer(request)];
  const [claim] = claims;
  if (claims.length > 1) {
    throw new S3Error('InvalidRequest', {
      message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    });
  }
  if (announced !== undefined && claim === undefined) {
    throw new S3Error('InvalidRequest', {
      message:
        'x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.',
    });
  }
  if (announced !== undefined && announced !== claim?.algorithm) {
    throw new S3Error('InvalidRequest', {
      message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.',
    });
  }
  return claim;
}

/** Checksums among the request's headers. */
export function checksumHeaders(request: S3Request): readonly Required<ChecksumClaim>[] {
  return CHECKSUM_ALGORITHMS.flatMap((algorithm) => {
    const value = request.headers.get(checksumHeader(algorithm));
    return value === null ? [] : [{ algorithm, value: checkedValue(algorithm, value) }];
  });
}

function checksumTrailer(request: S3Request): readonly ChecksumClaim[] {
  const trailer = request.headers.get('x-amz-trailer');
  if (trailer === null) return [];
  const algorithm = trailer.trim().toLowerCase().replace('x-amz-checksum-', '').toUpperCase();
  if (!isChecksumAlgorithm(algorithm)) throw notImplemented('x-amz-trailer');
  return [{ algorithm }];
}

/** The value, if it has the form of one. A COMPOSITE one may end with `-N`. */
export function checkedValue(algorithm: ChecksumAlgorithm, value: string): string {
  if (isBase64Of(value.replace(/-\d+$/, ''), CHECKSUM_BYTES[algorithm])) return value;
  throw new S3Error('InvalidRequest', {
    message: `Value for ${checksumHeader(algorithm)} header is invalid.`,
  });
}

function isBase64Of(text: string, sizeBytes: number): boolean {
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === sizeBytes && bytes.toString('base64') === text;
}
