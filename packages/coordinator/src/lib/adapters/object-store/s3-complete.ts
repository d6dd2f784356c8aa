import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  type CompleteMultipartUploadCommandInput,
} from '@aws-sdk/client-s3';
import type { CompleteOutcome, ObjectStore, StoredPart } from '../../ports/object-store.ts';
import type { StoreProfile } from '../../ports/store-profile.ts';
import type { S3Connection } from './s3-client.ts';
import { readS3Failure } from './s3-error.ts';
import { customerKeyInput } from './s3-encryption.ts';
import { keepsChecksum } from './s3-headers.ts';

type CompleteInput = Parameters<ObjectStore['completeMultipartUpload']>[0];

/**
 * Sends CompleteMultipartUpload once. S3 may answer 200 and put an error into the body, a proxy may answer in its
 * place, and the SDK takes some of that for success: only an ETag of the right form counts.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 */
export async function completeMultipartUpload(
  connection: S3Connection,
  input: CompleteInput,
): Promise<CompleteOutcome> {
  const abortSignal = AbortSignal.timeout(connection.completeTimeoutMs);
  try {
    const command = new CompleteMultipartUploadCommand(toCommandInput(connection, input));
    const output = await connection.onceClient.send(command, { abortSignal });
    const etag = readMultipartEtag(output.ETag, input.parts.length);
    if (etag === undefined) {
      return {
        kind: 'unknown',
        reason: `the answer has no ETag of an object of ${input.parts.length} parts`,
      };
    }
    return {
      kind: 'stored',
      etag,
      ...(output.VersionId !== undefined && { versionId: output.VersionId }),
    };
  } catch (error) {
    if (abortSignal.aborted) {
      return { kind: 'unknown', reason: `no answer within ${connection.completeTimeoutMs} ms` };
    }
    return outcomeOfFailure(error);
  }
}

function toCommandInput(
  { bucket, profile }: S3Connection,
  { key, s3UploadId, parts, sizeBytes, checksum, customerKey }: CompleteInput,
): CompleteMultipartUploadCommandInput {
  return {
    Bucket: bucket,
    Key: key,
    UploadId: s3UploadId,
    MultipartUpload: { Parts: parts.map((part) => toCompletedPart(profile, part)) },
    // The cheapest guard against a part that got lost from the list.
    MpuObjectSize: sizeBytes,
    ...customerKeyInput(customerKey),
    ...(profile.completeIfNoneMatch && { IfNoneMatch: '*' }),
    ...(checksum !== undefined &&
      keepsChecksum(profile, checksum.algorithm) && {
        [`Checksum${checksum.algorithm}`]: checksum.value,
        ChecksumType: 'FULL_OBJECT',
      }),
  };
}

function toCompletedPart(profile: StoreProfile, { partNumber, etag, checksum }: StoredPart): CompletedPart {
  return {
    PartNumber: partNumber,
    ETag: etag,
    ...(checksum !== undefined &&
      keepsChecksum(profile, checksum.algorithm) && { [`Checksum${checksum.algorithm}`]: checksum.value }),
  };
}

/** `"…-N"` for N parts. Ceph leaves the quotes out when Complete is repeated. */
function readMultipartEtag(etag: string | undefined, partCount: number): string | undefined {
  const match = /^"?([^"\s]+-(\d+))"?$/.exec(etag ?? '');
  return match !== null && Number(match[2]) === partCount ? `"${match[1]}"` : undefined;
}

/** 4xx by which a store does not say that there is no object: an earlier try, or another driver, may have made it. */
const TELLS_NOTHING = new Set([408, 409, 412, 429]);
const TELLS_NOTHING_CODES = new Set(['NoSuchUpload', 'NoSuchKey', 'RequestTimeout', 'SlowDown']);

function outcomeOfFailure(error: unknown): CompleteOutcome {
  const { httpStatus = 0, s3Code, message } = readS3Failure(error);
  const definite =
    httpStatus >= 400 &&
    httpStatus < 500 &&
    !TELLS_NOTHING.has(httpStatus) &&
    s3Code !== undefined &&
    !TELLS_NOTHING_CODES.has(s3Code);
  return definite ? { kind: 'refused', s3Code, message } : { kind: 'unknown', reason: message };
}
