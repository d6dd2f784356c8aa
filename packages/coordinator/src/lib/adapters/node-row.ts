import { createHash } from 'node:crypto';
import {
  boundsOf,
  type Checksum,
  type ChecksumAlgorithm,
  type Encryption,
  type ObjectOptions,
  type ProofLevel,
  type UploadMode,
  type UploadState,
} from '@longhaul/protocol';
import type { AbortIntent } from '../ports/catalog.ts';
import type { UploadDraft, UploadRecord } from '../ports/upload-record.ts';

/**
 * A row of `nodes` as both SQL catalogs select it: times in milliseconds since the Unix epoch, JSON as text, so that
 * nothing depends on how a driver reads a type.
 */
export type NodeRow = {
  readonly document_id: string;
  readonly connector_id: string;
  readonly owner: string;
  readonly create_id: string;
  readonly request_digest: string;
  readonly name: string;
  readonly bucket: string;
  readonly s3_key: string;
  readonly s3_upload_id: string | null;
  readonly write_token: string;
  readonly s3_version_id: string | null;
  readonly s3_etag: string | null;
  /** The most that it may be, until it is known. */
  readonly size_bytes: number;
  readonly size_known: number;
  readonly part_size_bytes: number;
  readonly double_every: number | null;
  /** As `size_bytes`. */
  readonly part_count: number;
  readonly mode: UploadMode;
  readonly content_type: string;
  readonly metadata: string;
  readonly upload_state: UploadState;
  readonly checksum: string | null;
  readonly checksum_algorithm: ChecksumAlgorithm | null;
  readonly encryption: string | null;
  readonly object_options: string | null;
  readonly fingerprint: string | null;
  readonly epoch: number;
  readonly token_version: number;
  readonly parts_digest: string | null;
  readonly complete_sent_at: number | null;
  readonly next_attempt_at: number | null;
  readonly abort_to: AbortIntent['to'] | null;
  readonly create_repeated: number;
  readonly created_at: number;
  readonly expires_at: number;
  readonly idle_limit_ms: number;
  readonly must_finish_by: number | null;
  readonly grants_expire_at: number | null;
  readonly cancel_requested: number;
  readonly proof: ProofLevel | null;
  readonly completed_at: number | null;
  readonly last_error: string | null;
  readonly generation: number;
};

/** What an insert writes: the values of the draft by their columns; times are the database's to add. */
export type DraftRow = Pick<
  NodeRow,
  | 'document_id'
  | 'connector_id'
  | 'owner'
  | 'create_id'
  | 'request_digest'
  | 'name'
  | 'bucket'
  | 's3_key'
  | 'write_token'
  | 'size_bytes'
  | 'part_size_bytes'
  | 'double_every'
  | 'part_count'
  | 'mode'
  | 'content_type'
  | 'metadata'
  | 'checksum'
  | 'checksum_algorithm'
  | 'encryption'
  | 'object_options'
  | 'fingerprint'
  | 'idle_limit_ms'
> & {
  readonly size_known: number;
  readonly resumable: number;
  readonly resume_key: string | null;
};

/** Columns that {@link recordOf} reads, in the order of the table. */
export const RECORD_COLUMNS: readonly (keyof NodeRow)[] = [
  'document_id',
  'connector_id',
  'owner',
  'create_id',
  'request_digest',
  'name',
  'bucket',
  's3_key',
  's3_upload_id',
  'write_token',
  's3_version_id',
  's3_etag',
  'size_bytes',
  'size_known',
  'part_size_bytes',
  'double_every',
  'part_count',
  'mode',
  'content_type',
  'metadata',
  'upload_state',
  'checksum',
  'checksum_algorithm',
  'encryption',
  'object_options',
  'fingerprint',
  'epoch',
  'token_version',
  'parts_digest',
  'complete_sent_at',
  'next_attempt_at',
  'abort_to',
  'create_repeated',
  'created_at',
  'expires_at',
  'idle_limit_ms',
  'must_finish_by',
  'grants_expire_at',
  'cancel_requested',
  'proof',
  'completed_at',
  'last_error',
  'generation',
];

/** The draft as an insert writes it. */
export function draftRowOf(draft: UploadDraft): DraftRow {
  const { plan } = draft;
  const { endBytes, partCount } = boundsOf(plan);
  return {
    document_id: draft.uploadId,
    connector_id: draft.connectorId,
    owner: draft.owner,
    create_id: draft.createId,
    request_digest: draft.requestDigest,
    name: draft.name,
    bucket: draft.bucket,
    s3_key: draft.s3Key,
    write_token: draft.writeToken,
    size_bytes: endBytes,
    size_known: plan.sizeBytes === null ? 0 : 1,
    part_size_bytes: plan.partSizeBytes,
    double_every: plan.doubleEvery ?? null,
    part_count: partCount,
    mode: draft.mode,
    content_type: draft.contentType,
    metadata: JSON.stringify(draft.metadata),
    checksum: jsonOrNull(draft.checksum),
    checksum_algorithm: draft.checksumAlgorithm ?? null,
    encryption: jsonOrNull(draft.encryption),
    object_options: jsonOrNull(draft.objectOptions),
    fingerprint: draft.fingerprint ?? null,
    resumable: draft.resumable ? 1 : 0,
    resume_key: resumeKeyOf(draft),
    idle_limit_ms: draft.idleLimitMs,
  };
}

/** The record that a row stands for. */
export function recordOf(row: NodeRow): UploadRecord {
  return {
    uploadId: row.document_id,
    owner: row.owner,
    createId: row.create_id,
    requestDigest: row.request_digest,
    connectorId: row.connector_id,
    name: row.name,
    bucket: row.bucket,
    s3Key: row.s3_key,
    writeToken: row.write_token,
    mode: row.mode,
    contentType: row.content_type,
    metadata: JSON.parse(row.metadata) as Record<string, string>,
    plan: planOf(row),
    state: row.upload_state,
    epoch: row.epoch,
    tokenVersion: row.token_version,
    createdAtEpochMs: row.created_at,
    expiresAtEpochMs: row.expires_at,
    idleLimitMs: row.idle_limit_ms,
    createRepeated: row.create_repeated === 1,
    cancelRequested: row.cancel_requested === 1,
    ...(row.generation > 0 && { generation: row.generation }),
    ...optionalFieldsOf(row),
  };
}

function planOf(row: NodeRow): UploadRecord['plan'] {
  const { size_bytes: sizeBytes, part_size_bytes: partSizeBytes, part_count: partCount } = row;
  const rule = { partSizeBytes, ...(row.double_every !== null && { doubleEvery: row.double_every }) };
  // A program of the version before, which does not know that it was unknown, completes an upload only at its full reach.
  const isKnown = row.size_known || row.upload_state === 'COMPLETING' || row.upload_state === 'COMPLETED';
  return isKnown
    ? { sizeBytes, ...rule, partCount }
    : { sizeBytes: null, ...rule, maxSizeBytes: sizeBytes, maxPartCount: partCount };
}

/** The records in the order in which they fell due. A statement that changes rows answers them in any order. */
export function longestDueFirst(records: readonly UploadRecord[]): UploadRecord[] {
  return records.toSorted((one, other) => dueAtOf(one) - dueAtOf(other));
}

function dueAtOf(record: UploadRecord): number {
  return record.nextAttemptAtEpochMs ?? record.expiresAtEpochMs;
}

function optionalFieldsOf(row: NodeRow): Partial<UploadRecord> {
  return withoutNulls({
    checksum: parsedOrNull<Checksum>(row.checksum),
    checksumAlgorithm: row.checksum_algorithm,
    encryption: parsedOrNull<Encryption>(row.encryption),
    objectOptions: parsedOrNull<ObjectOptions>(row.object_options),
    fingerprint: row.fingerprint,
    s3UploadId: row.s3_upload_id,
    partsDigest: row.parts_digest,
    completeSentAtEpochMs: row.complete_sent_at,
    nextAttemptAtEpochMs: row.next_attempt_at,
    abortTo: row.abort_to,
    mustFinishByEpochMs: row.must_finish_by,
    grantsExpireAtEpochMs: row.grants_expire_at,
    etag: row.s3_etag,
    versionId: row.s3_version_id,
    proof: row.proof,
    completedAtEpochMs: row.completed_at,
    lastError: row.last_error,
  });
}

// A digest, not the values themselves: a KMS key id alone may be longer than what Postgres lets into an index.
function resumeKeyOf(draft: UploadDraft): string | null {
  if (!draft.resumable || draft.fingerprint === undefined) return null;
  const { encryption } = draft;
  const identity = [
    draft.connectorId,
    draft.fingerprint,
    draft.plan.sizeBytes,
    draft.bucket,
    draft.contentType,
    encryption?.mode ?? null,
    keyOf(encryption),
    // Those without must find what was begun before there were any.
    ...(draft.objectOptions ? [draft.objectOptions] : []),
  ];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}

/** Which key, in a word; null where there is none to tell. */
function keyOf(encryption: Encryption | undefined): string | null {
  switch (encryption?.mode) {
    case 'sse-kms':
      return encryption.kmsKeyId ?? null;
    case 'sse-c':
      return encryption.customerKeyMd5;
    case 'sse-s3':
    case undefined:
      return null;
  }
}

function jsonOrNull(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function parsedOrNull<Value>(json: string | null): Value | null {
  return json === null ? null : (JSON.parse(json) as Value);
}

function withoutNulls<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as {
    [Name in keyof Fields]?: NonNullable<Fields[Name]>;
  };
}
