import type {
  CopiedObject,
  DrivenRotation,
  InsertRotationOutcome,
  RotationDraft,
  RotationRecord,
  RotationRef,
  Rotations,
} from '../../ports/rotations.ts';
import {
  openRotationsOf,
  type OpenRotationsRow,
  ROTATION_COLUMNS,
  rotationOf,
  type RotationRow,
  rotationValuesOf,
} from '../rotation-row.ts';
import { type EndedRow, rotatedEventOf } from '../upload-event-row.ts';
import { attempt, COLUMNS, type Edit, writeEvent } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/** The rotations over an open file. */
export function rotationsOf(database: SqliteDatabase): Rotations {
  const change = (deed: string, rotation: DrivenRotation, edit: Edit): Promise<RotationRecord | undefined> =>
    attempt(deed, () => database.write(() => changeDriven(database, rotation, edit)));

  return {
    insert: (draft) => attempt('insert a rotation', () => database.write(() => insert(database, draft))),
    find: (uploadId, rotationId) =>
      attempt('read a rotation', () =>
        firstOf(database.all<RotationRow>(FIND, { uploadId, rotationId: rotationId ?? null })),
      ),
    findDue: (due) =>
      attempt('find rotations that are due', () => database.all<RotationRow>(FIND_DUE, due).map(rotationOf)),
    findByKeys: (keys) =>
      attempt('find rotations by their keys', () =>
        database.all<RotationRow>(FIND_BY_KEYS, { keys: JSON.stringify(keys) }).map(rotationOf),
      ),
    countOpen: () =>
      attempt('count open rotations', () => openRotationsOf(database.all<OpenRotationsRow>(COUNT_OPEN))),
    take: ({ uploadId, rotationId }, leaseMs) =>
      attempt('take a rotation', () =>
        firstOf(database.write(() => database.all<RotationRow>(TAKE, { uploadId, rotationId, leaseMs }))),
      ),
    renew: async (rotation, { leaseMs, copiedPartCount = 0 }) =>
      (await change('renew a rotation', rotation, { ...RENEW, values: { leaseMs, copiedPartCount } })) !==
      undefined,
    saveCopy: (rotation, s3UploadId) =>
      change('save a copy', rotation, { ...SAVE_COPY, values: { s3UploadId: s3UploadId ?? null } }),
    recordComplete: async (rotation) =>
      (await change('note that a copy is completed', rotation, RECORD_COMPLETE)) !== undefined,
    switchObject: (rotation, copy) =>
      attempt('switch to a copy', () => database.write(() => switchObject(database, rotation, copy))),
    finish: (rotation, { lastError, checkAgainAfterMs }) => {
      const values = { lastError: lastError ?? null, checkAgainAfterMs: checkAgainAfterMs ?? null };
      return change('finish a rotation', rotation, { ...FINISH, values });
    },
    fail: (rotation, failure) => change('fail a rotation', rotation, { ...FAIL, values: failure }),
    postpone: async (rotation, { delayMs, lastError = null }) => {
      await change('postpone a rotation', rotation, { ...POSTPONE, values: { delayMs, lastError } });
    },
    finishCleanup: async (rotation) => {
      await change('finish the clean-up of a rotation', rotation, FINISH_CLEANUP);
    },
  };
}

const ROTATION = ROTATION_COLUMNS.join(', ');
const OPEN = "state IN ('PENDING', 'COPYING', 'SWITCHED')";
const ENDED = "state IN ('DONE', 'FAILED')";
const IS_FREE = `(claimed_until IS NULL OR claimed_until <= ${CLOCK_MS})`;

// Rotations of one node are numbered one after another, so the highest number is the newest.
const FIND = `
  SELECT ${ROTATION} FROM rotations
  WHERE document_id = :uploadId AND (:rotationId IS NULL OR rotation_id = :rotationId)
  ORDER BY generation DESC LIMIT 1`;

const FIND_OPEN = `SELECT ${ROTATION} FROM rotations WHERE document_id = :uploadId AND ${OPEN}`;

const FIND_DUE = `
  SELECT ${ROTATION} FROM rotations
  WHERE next_attempt_at <= ${CLOCK_MS} AND ${IS_FREE} AND bucket = :bucket
  ORDER BY next_attempt_at LIMIT :limit`;

const FIND_BY_KEYS = `
  SELECT ${ROTATION} FROM rotations
  WHERE s3_key IN (SELECT value FROM json_each(:keys)) OR source_key IN (SELECT value FROM json_each(:keys))`;

// By the words of the partial index rotations_open, so that those that have ended are not read.
const COUNT_OPEN = `
  SELECT state, count(*) AS count, ${CLOCK_MS} - min(created_at) AS age_ms FROM rotations WHERE ${OPEN} GROUP BY state`;

const INSERT = `
  INSERT INTO rotations (document_id, rotation_id, bucket, generation, source_key, source_version_id, source_etag,
    source_encryption, s3_key, write_token, encryption, size_bytes, part_size_bytes, part_count, delete_versions,
    created_at, updated_at, next_attempt_at)
  SELECT document_id, :rotationId, bucket, next, s3_key, s3_version_id, s3_etag,
    encryption, :baseKey || '.' || next, :writeToken, :encryption, :sizeBytes, :partSizeBytes, :partCount, :deleteVersions,
    ${CLOCK_MS}, ${CLOCK_MS}, ${CLOCK_MS}
  FROM (
    SELECT *, 1 + max(generation, coalesce(
      (SELECT max(generation) FROM rotations WHERE rotations.document_id = nodes.document_id), 0)) AS next
    FROM nodes
    WHERE document_id = :uploadId AND upload_state = 'COMPLETED' AND s3_key = :sourceKey AND bucket = :bucket
  )
  RETURNING ${ROTATION}`;

function insert(database: SqliteDatabase, draft: RotationDraft): InsertRotationOutcome {
  const { uploadId, rotationId } = draft;
  const repeated = firstOf(database.all<RotationRow>(FIND, { uploadId, rotationId }));
  if (repeated) return { kind: 'repeated', rotation: repeated };
  const open = firstOf(database.all<RotationRow>(FIND_OPEN, { uploadId }));
  if (open) return { kind: 'open', rotation: open };
  const inserted = firstOf(database.all<RotationRow>(INSERT, rotationValuesOf(draft)));
  return inserted ? { kind: 'inserted', rotation: inserted } : { kind: 'moved' };
}

// What has ended is taken as well, once it is due: for what is left of its copy, or of the object before.
const TAKE = `
  UPDATE rotations SET epoch = epoch + 1, claimed_until = ${CLOCK_MS} + :leaseMs,
    next_attempt_at = ${CLOCK_MS} + :leaseMs, updated_at = ${CLOCK_MS}
  WHERE document_id = :uploadId AND rotation_id = :rotationId AND ${IS_FREE}
    AND (${OPEN} OR (${ENDED} AND next_attempt_at <= ${CLOCK_MS}))
  RETURNING ${ROTATION}`;

const RENEW: Edit = {
  set: `claimed_until = ${CLOCK_MS} + :leaseMs, next_attempt_at = ${CLOCK_MS} + :leaseMs,
    copied_part_count = max(copied_part_count, :copiedPartCount)`,
  where: OPEN,
};

const SAVE_COPY: Edit = {
  set: "state = 'COPYING', s3_upload_id = :s3UploadId, copied_part_count = 0",
  where: "state IN ('PENDING', 'COPYING')",
};

const RECORD_COMPLETE: Edit = { set: 'complete_sent = 1', where: "state = 'COPYING'" };

const FINISH: Edit = {
  set: `state = 'DONE', next_attempt_at = ${CLOCK_MS} + :checkAgainAfterMs, claimed_until = NULL, last_error = :lastError`,
  where: "state = 'SWITCHED'",
};

const FAIL: Edit = {
  set: `state = 'FAILED', claimed_until = NULL, last_error = :lastError,
    next_attempt_at = ${CLOCK_MS} + CASE complete_sent WHEN 1 THEN :quietForMs ELSE 0 END`,
  where: "state IN ('PENDING', 'COPYING')",
};

const POSTPONE: Edit = {
  set: `next_attempt_at = ${CLOCK_MS} + :delayMs, claimed_until = NULL, last_error = coalesce(:lastError, last_error)`,
  where: `${OPEN} OR ${ENDED}`,
};

const FINISH_CLEANUP: Edit = {
  set: 'next_attempt_at = NULL, claimed_until = NULL',
  where: ENDED,
};

const SWITCHED: Edit = {
  set: "state = 'SWITCHED', copied_part_count = part_count, last_error = NULL",
  where: "state = 'COPYING'",
};

const SWITCH_NODE = `
  UPDATE nodes SET s3_key = :s3Key, s3_etag = :etag, s3_version_id = :versionId, proof = :proof, encryption = :encryption,
    write_token = :writeToken, generation = :generation, updated_at = ${CLOCK_MS}
  WHERE document_id = :uploadId AND upload_state = 'COMPLETED' AND s3_key = :sourceKey
  RETURNING ${COLUMNS}, updated_at, (SELECT installation_id FROM longhaul_installation) AS installation_id`;

function switchObject(
  database: SqliteDatabase,
  driven: DrivenRotation,
  { etag, versionId, proof }: CopiedObject,
): RotationRecord | undefined {
  const rotation = firstOf(
    database.all<RotationRow>(
      `SELECT ${ROTATION} FROM rotations
       WHERE document_id = :uploadId AND rotation_id = :rotationId AND epoch = :epoch AND ${SWITCHED.where}`,
      refAndEpoch(driven),
    ),
  );
  if (!rotation) return undefined;
  const node = database.get<EndedRow>(SWITCH_NODE, {
    uploadId: rotation.uploadId,
    s3Key: rotation.s3Key,
    sourceKey: rotation.sourceKey,
    writeToken: rotation.writeToken,
    generation: rotation.generation,
    encryption: JSON.stringify(rotation.encryption),
    etag,
    versionId: versionId ?? null,
    proof,
  });
  if (!node) return undefined;
  const { sourceKey: key, sourceVersionId } = rotation;
  const previous = { key, ...(sourceVersionId !== undefined && { versionId: sourceVersionId }) };
  writeEvent(database, rotation.uploadId, rotatedEventOf(node, previous));
  return changeDriven(database, driven, SWITCHED);
}

function changeDriven(
  database: SqliteDatabase,
  driven: DrivenRotation,
  { set, where, values }: Edit,
): RotationRecord | undefined {
  return firstOf(
    database.all<RotationRow>(
      `UPDATE rotations SET ${set}, updated_at = ${CLOCK_MS}
       WHERE document_id = :uploadId AND rotation_id = :rotationId AND epoch = :epoch AND (${where})
       RETURNING ${ROTATION}`,
      { ...refAndEpoch(driven), ...values },
    ),
  );
}

function refAndEpoch({ uploadId, rotationId, epoch }: RotationRef & { readonly epoch: number }) {
  return { uploadId, rotationId, epoch };
}

function firstOf([row]: readonly RotationRow[]): RotationRecord | undefined {
  return row && rotationOf(row);
}
