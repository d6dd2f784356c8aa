import { createHash } from 'node:crypto';

import type { ChecksumAlgorithm, ChecksumType } from '../checksums/algorithms.ts';
import { S3Error } from '../s3-error.ts';
import type { Part, Upload } from './upload.ts';

/** A CompleteMultipartUpload as the client sent it. */
export interface CompletionRequest {
  readonly parts: readonly ListedPart[];
  /** `If-None-Match: *`. */
  readonly mustBeNew: boolean;
  /** `x-amz-mp-object-size`. */
  readonly sizeBytes?: number;
  /** Checksum of the whole, base64. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
  /** `x-amz-checksum-type`. */
  readonly checksumType?: ChecksumType;
}

/** A part as the client lists it. */
export interface ListedPart {
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksums: ReadonlyMap<ChecksumAlgorithm, string>;
}

/** Tells two lists apart: a repeated Complete is answered again only when its list is the same. */
export function digestOfList(parts: readonly ListedPart[]): string {
  const text = parts.map(({ partNumber, etag }) => `${partNumber}:${etag}`).join(',');
  return createHash('sha256').update(text).digest('hex');
}

/** The parts that the list names, in its order; throws what S3 answers to a list that it refuses. */
export function checkCompletion(
  upload: Upload,
  request: CompletionRequest,
  minPartSizeBytes: number,
): readonly Part[] {
  refuseDisorder(request.parts);
  const parts = request.parts.map((listed) => findPart(upload, listed));
  refuseSmallParts(parts, minPartSizeBytes);
  refuseMissingChecksums(upload, request.parts);
  refuseWrongSize(parts, request.sizeBytes);
  refuseOtherChecksum(upload, request);
  return parts;
}

function refuseDisorder(parts: readonly ListedPart[]): void {
  const isAscending = parts.every(
    (part, index) => index === 0 || part.partNumber > (parts[index - 1]?.partNumber ?? 0),
  );
  if (!isAscending) throw new S3Error('InvalidPartOrder');
}

function findPart(upload: Upload, listed: ListedPart): Part {
  const part = upload.parts.get(listed.partNumber);
  const invalid = new S3Error('InvalidPart', {
    details: { UploadId: upload.uploadId, PartNumber: String(listed.partNumber), ETag: listed.etag },
  });
  if (part === undefined || part.etag !== listed.etag) throw invalid;
  for (const [algorithm, value] of listed.checksums) {
    if (part.checksum?.algorithm !== algorithm || part.checksum.value !== value) throw invalid;
  }
  return part;
}

function refuseSmallParts(parts: readonly Part[], minPartSizeBytes: number): void {
  const small = parts.slice(0, -1).find((part) => part.sizeBytes < minPartSizeBytes);
  if (small === undefined) return;
  throw new S3Error('EntityTooSmall', {
    details: {
      ProposedSize: String(small.sizeBytes),
      MinSizeAllowed: String(minPartSizeBytes),
      PartNumber: String(small.partNumber),
      ETag: small.etag,
    },
  });
}

function refuseMissingChecksums({ checksum }: Upload, listed: readonly ListedPart[]): void {
  if (checksum === undefined) return;
  // S3 answers 500 here: "part numbers must be consecutive, and begin with 1, when you use checksums".
  // Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuchecksums
  if (listed.some((part, index) => part.partNumber !== index + 1)) throw new S3Error('InternalError');
  if (checksum.type === 'FULL_OBJECT') return;
  const missing = listed.find((part) => !part.checksums.has(checksum.algorithm));
  if (missing === undefined) return;
  throw new S3Error('InvalidRequest', {
    message: `The upload was created using a ${checksum.algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${missing.partNumber} in the request.`,
  });
}

function refuseWrongSize(parts: readonly Part[], expectedBytes: number | undefined): void {
  const sizeBytes = parts.reduce((total, part) => total + part.sizeBytes, 0);
  if (expectedBytes === undefined || expectedBytes === sizeBytes) return;
  throw new S3Error('InvalidRequest', {
    message: `The provided 'x-amz-mp-object-size' header value ${expectedBytes} does not match what was computed: ${sizeBytes}`,
  });
}

function refuseOtherChecksum({ checksum: declared }: Upload, request: CompletionRequest): void {
  const { checksum, checksumType } = request;
  if (checksum !== undefined && checksum.algorithm !== declared?.algorithm) {
    const expected = declared?.algorithm.toLowerCase() ?? 'null';
    throw new S3Error('InvalidRequest', {
      message: `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${checksum.algorithm.toLowerCase()}`,
    });
  }
  if (checksumType !== undefined && checksumType !== declared?.type) {
    throw new S3Error('BadDigest', {
      message: `The upload was created with checksum type ${declared?.type ?? 'null'}, but the request says ${checksumType}.`,
    });
  }
}
