import {
  boundsOf,
  type Checksum,
  type ChecksumAlgorithm,
  type Encryption,
  type UploadState,
} from '@longhaul/protocol';
import type { StoredPart } from '../../ports/object-store.ts';
import type { HotEnd, HotUpload } from '../../ports/state-store.ts';

/**
 * Fields of the hash `upload:{<id>}:state`. `uploaded_chunks` is none of them: it is the length of the other hash, and
 * a counter beside it would sooner or later say something else.
 */
export function fieldsOf(upload: HotUpload): Record<string, string | number> {
  const { plan } = upload;
  const { endBytes, partCount } = boundsOf(plan);
  return {
    node_id: upload.uploadId,
    owner: upload.owner,
    s3_key: upload.s3Key,
    s3_upload_id: upload.s3UploadId,
    status: upload.status,
    // The most that they may be while `size_unknown`.
    expected_size: endBytes,
    part_size: plan.partSizeBytes,
    total_chunks: partCount,
    size_unknown: plan.sizeBytes === null ? 1 : '',
    double_every: plan.doubleEvery ?? '',
    encryption_type: upload.encryption?.mode ?? 'none',
    encryption: upload.encryption ? JSON.stringify(upload.encryption) : '',
    checksum_algorithm: upload.checksumAlgorithm ?? '',
    token_version: upload.tokenVersion,
    created_at: upload.createdAtEpochMs,
  };
}

/** The record that a hash holds; `undefined` for one that was never written as a whole. */
export function hotUploadOf(fields: Readonly<Record<string, string>>): HotUpload | undefined {
  if (!fields['rebuilt']) return undefined;
  const text = (name: string): string => fields[name] ?? '';
  const number = (name: string): number => Number(fields[name]);
  return {
    uploadId: text('node_id'),
    owner: text('owner'),
    s3Key: text('s3_key'),
    s3UploadId: text('s3_upload_id'),
    status: text('status') as UploadState,
    plan: planOf(fields),
    ...(fields['encryption'] && { encryption: JSON.parse(fields['encryption']) as Encryption }),
    ...(fields['checksum_algorithm'] && {
      checksumAlgorithm: fields['checksum_algorithm'] as ChecksumAlgorithm,
    }),
    tokenVersion: number('token_version'),
    createdAtEpochMs: number('created_at'),
  };
}

function planOf(fields: Readonly<Record<string, string>>): HotUpload['plan'] {
  const number = (name: string): number => Number(fields[name]);
  const sizeBytes = number('expected_size');
  const partCount = number('total_chunks');
  const rule = {
    partSizeBytes: number('part_size'),
    ...(fields['double_every'] && { doubleEvery: number('double_every') }),
  };
  return fields['size_unknown']
    ? { sizeBytes: null, ...rule, maxSizeBytes: sizeBytes, maxPartCount: partCount }
    : { sizeBytes, ...rule, partCount };
}

/** Part numbers and parts in turn, as the hash `upload:{<id>}:etags` takes them. */
export function partFieldsOf(parts: readonly StoredPart[]): (string | number)[] {
  return parts.flatMap(({ partNumber, sizeBytes, etag, checksum }) => [
    partNumber,
    JSON.stringify({ etag, size: sizeBytes, checksum }),
  ]);
}

/** Parts of the answer of HGETALL, ascending. */
export function partsOf(reply: readonly string[]): StoredPart[] {
  const parts: StoredPart[] = [];
  for (let index = 0; index + 1 < reply.length; index += 2) {
    const { etag, size, checksum } = JSON.parse(reply[index + 1] ?? '') as PartField;
    parts.push({ partNumber: Number(reply[index]), sizeBytes: size, etag, ...(checksum && { checksum }) });
  }
  return parts.sort((one, other) => one.partNumber - other.partNumber);
}

interface PartField {
  readonly etag: string;
  readonly size: number;
  readonly checksum?: Checksum;
}

/** Fields that tell how an upload has ended. */
export function endFieldsOf(end: HotEnd): (string | number)[] {
  const fields = {
    status: end.status,
    final_etag: end.etag,
    s3_version_id: end.versionId,
    completed_at: end.completedAtEpochMs,
    error_message: end.error,
  };
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name, value]));
}
