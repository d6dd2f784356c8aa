import type { Encryption, UploadState } from '@longhaul/protocol';
import type { StoredPart } from '../../ports/object-store.ts';
import type { HotUpload } from '../../ports/state-store.ts';

/**
 * Fields of the hash `upload:{<id>}:state`. `uploaded_chunks` is none of them: it is the length of the other hash, and
 * a counter beside it would sooner or later say something else.
 */
export function fieldsOf(upload: HotUpload): Record<string, string | number> {
  return {
    node_id: upload.uploadId,
    owner: upload.owner,
    s3_key: upload.s3Key,
    s3_upload_id: upload.s3UploadId,
    status: upload.status,
    expected_size: upload.plan.sizeBytes,
    part_size: upload.plan.partSizeBytes,
    total_chunks: upload.plan.partCount,
    encryption_type: upload.encryption?.mode ?? 'none',
    encryption: upload.encryption ? JSON.stringify(upload.encryption) : '',
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
    plan: {
      sizeBytes: number('expected_size'),
      partSizeBytes: number('part_size'),
      partCount: number('total_chunks'),
    },
    ...(fields['encryption'] && { encryption: JSON.parse(fields['encryption']) as Encryption }),
    tokenVersion: number('token_version'),
    createdAtEpochMs: number('created_at'),
  };
}

/** Part numbers and parts in turn, as the hash `upload:{<id>}:etags` takes them. */
export function partFieldsOf(parts: readonly StoredPart[]): (string | number)[] {
  return parts.flatMap(({ partNumber, sizeBytes, etag }) => [
    partNumber,
    JSON.stringify({ etag, size: sizeBytes }),
  ]);
}

/** Parts of the answer of HGETALL, ascending. */
export function partsOf(reply: readonly string[]): StoredPart[] {
  const parts: StoredPart[] = [];
  for (let index = 0; index + 1 < reply.length; index += 2) {
    const { etag, size } = JSON.parse(reply[index + 1] ?? '') as { etag: string; size: number };
    parts.push({ partNumber: Number(reply[index]), sizeBytes: size, etag });
  }
  return parts.sort((one, other) => one.partNumber - other.partNumber);
}
