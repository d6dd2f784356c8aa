import type { Encryption, RotationState } from '@longhaul/protocol';
import type { OpenRotations, OpenRotationState, RotationDraft, RotationRecord } from '../ports/rotations.ts';

/** A row of `rotations` as both SQL catalogs select it: times in milliseconds since the Unix epoch, JSON as text. */
export type RotationRow = {
  readonly document_id: string;
  readonly rotation_id: string;
  readonly bucket: string;
  readonly generation: number;
  readonly state: RotationState;
  readonly epoch: number;
  readonly source_key: string;
  readonly source_version_id: string | null;
  readonly source_etag: string | null;
  readonly source_encryption: string | null;
  readonly s3_key: string;
  readonly s3_upload_id: string | null;
  readonly write_token: string;
  readonly encryption: string;
  readonly size_bytes: number;
  readonly part_size_bytes: number;
  readonly part_count: number;
  readonly copied_part_count: number;
  readonly complete_sent: number;
  readonly delete_versions: number;
  readonly created_at: number;
  readonly next_attempt_at: number | null;
  readonly last_error: string | null;
};

/** Columns that {@link rotationOf} reads. */
export const ROTATION_COLUMNS: readonly (keyof RotationRow)[] = [
  'document_id',
  'rotation_id',
  'bucket',
  'generation',
  'state',
  'epoch',
  'source_key',
  'source_version_id',
  'source_etag',
  'source_encryption',
  's3_key',
  's3_upload_id',
  'write_token',
  'encryption',
  'size_bytes',
  'part_size_bytes',
  'part_count',
  'copied_part_count',
  'complete_sent',
  'delete_versions',
  'created_at',
  'next_attempt_at',
  'last_error',
];

/** The record that a row stands for. */
export function rotationOf(row: RotationRow): RotationRecord {
  return {
    uploadId: row.document_id,
    rotationId: row.rotation_id,
    bucket: row.bucket,
    generation: row.generation,
    state: row.state,
    epoch: row.epoch,
    sourceKey: row.source_key,
    ...(row.source_version_id !== null && { sourceVersionId: row.source_version_id }),
    ...(row.source_etag !== null && { sourceEtag: row.source_etag }),
    ...(row.source_encryption !== null && {
      sourceEncryption: JSON.parse(row.source_encryption) as Encryption,
    }),
    s3Key: row.s3_key,
    ...(row.s3_upload_id !== null && { s3UploadId: row.s3_upload_id }),
    writeToken: row.write_token,
    encryption: JSON.parse(row.encryption) as Encryption,
    plan: { sizeBytes: row.size_bytes, partSizeBytes: row.part_size_bytes, partCount: row.part_count },
    copiedPartCount: row.copied_part_count,
    completeSent: row.complete_sent === 1,
    deleteVersions: row.delete_versions === 1,
    createdAtEpochMs: row.created_at,
    ...(row.next_attempt_at !== null && { nextAttemptAtEpochMs: row.next_attempt_at }),
    ...(row.last_error !== null && { lastError: row.last_error }),
  };
}

/** What an insert writes of a draft; the rest stands in the row of its node. */
export function rotationValuesOf(draft: RotationDraft): RotationValues {
  return {
    uploadId: draft.uploadId,
    rotationId: draft.rotationId,
    bucket: draft.bucket,
    baseKey: draft.baseKey,
    sourceKey: draft.sourceKey,
    writeToken: draft.writeToken,
    encryption: JSON.stringify(draft.encryption),
    sizeBytes: draft.plan.sizeBytes,
    partSizeBytes: draft.plan.partSizeBytes,
    partCount: draft.plan.partCount,
    deleteVersions: draft.deleteVersions ? 1 : 0,
  };
}

/** Values of an insert by their names. */
type RotationValues = Readonly<
  Record<
    'uploadId' | 'rotationId' | 'bucket' | 'baseKey' | 'sourceKey' | 'writeToken' | 'encryption',
    string
  > &
    Record<'sizeBytes' | 'partSizeBytes' | 'partCount' | 'deleteVersions', number>
>;

/** Open rotations of one state, as both databases count them. */
export type OpenRotationsRow = {
  readonly state: OpenRotationState;
  readonly count: number;
  /** Of the oldest. */
  readonly age_ms: number;
};

/** One row for each state; a state without a row has no rotations. */
export function openRotationsOf(rows: readonly OpenRotationsRow[]): OpenRotations {
  const counts = { PENDING: 0, COPYING: 0, SWITCHED: 0 };
  for (const { state, count } of rows) counts[state] = count;
  // The clock of the database may have been set back.
  const oldestAgeMs = Math.max(0, ...rows.map(({ age_ms }) => age_ms));
  return rows.length === 0 ? { counts } : { counts, oldestAgeMs };
}
