import type { Checksum, UploadState } from '@longhaul/protocol';
import type { StoredPart } from '../../ports/object-store.ts';
import {
  type HotUpload,
  type RecordOutcome,
  type StateStore,
  StateStoreError,
} from '../../ports/state-store.ts';
import { type NodeRow, recordOf, RECORD_COLUMNS } from '../node-row.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

/**
 * Hot state over an open file. The row in `nodes` is the record and `parts` holds what was received, so nothing is ever
 * rebuilt: `restore` adds missing parts only, `setStatus` has nothing to copy, `remove` drops the parts.
 */
export function createSqliteState(database: SqliteDatabase): StateStore {
  return {
    find: (uploadId) => attempt('read an upload', () => find(database, uploadId)),
    parts: (uploadId) => attempt('read parts', () => readParts(database, uploadId)),
    record: (uploadId, parts) => attempt('record parts', () => record(database, uploadId, parts)),
    restore: (upload, parts) =>
      attempt('restore parts', () =>
        database.write(() => void writeParts(database, upload.uploadId, parts, KEEP_PART)),
      ),
    setStatus: () => Promise.resolve(),
    remove: (uploadId) => attempt('drop parts', () => dropParts(database, uploadId)),
    // The row itself says how the upload has ended.
    finish: (uploadId) => attempt('drop parts', () => dropParts(database, uploadId)),
    lastActiveAtEpochMs: (uploadId) => attempt('read an activity', () => lastActiveAt(database, uploadId)),
    ping: () => attempt('answer', () => database.run('SELECT 1')),
    close: () => attempt('close', () => database.close()),
  };
}

const INSERT_PART = `INSERT INTO parts (document_id, part_number, size_bytes, etag, checksum)
  VALUES (:uploadId, :partNumber, :sizeBytes, :etag, :checksum)`;
const KEEP_PART = `${INSERT_PART} ON CONFLICT DO NOTHING`;
const REPLACE_PART = `${INSERT_PART} ON CONFLICT DO UPDATE SET
  size_bytes = excluded.size_bytes, etag = excluded.etag, checksum = excluded.checksum
  WHERE size_bytes <> excluded.size_bytes OR etag <> excluded.etag OR checksum IS NOT excluded.checksum`;

function find(database: SqliteDatabase, uploadId: string): HotUpload | undefined {
  const row = database.get<NodeRow>(
    `SELECT ${RECORD_COLUMNS.join(', ')} FROM nodes WHERE document_id = :uploadId AND s3_upload_id IS NOT NULL`,
    { uploadId },
  );
  if (!row?.s3_upload_id) return undefined;
  const { owner, s3Key, state, plan, encryption, checksumAlgorithm, tokenVersion, createdAtEpochMs } =
    recordOf(row);
  return {
    uploadId,
    owner,
    s3Key,
    s3UploadId: row.s3_upload_id,
    status: state,
    plan,
    ...(encryption && { encryption }),
    ...(checksumAlgorithm && { checksumAlgorithm }),
    tokenVersion,
    createdAtEpochMs,
  };
}

function readParts(database: SqliteDatabase, uploadId: string): StoredPart[] {
  const rows = database.all<PartRow>(
    'SELECT part_number, size_bytes, etag, checksum FROM parts WHERE document_id = :uploadId ORDER BY part_number',
    { uploadId },
  );
  return rows.map(({ part_number, size_bytes, etag, checksum }) => ({
    partNumber: part_number,
    sizeBytes: size_bytes,
    etag,
    ...(checksum !== null && { checksum: JSON.parse(checksum) as Checksum }),
  }));
}

interface PartRow {
  readonly part_number: number;
  readonly size_bytes: number;
  readonly etag: string;
  readonly checksum: string | null;
}

function dropParts(database: SqliteDatabase, uploadId: string): void {
  database.write(() => database.run('DELETE FROM parts WHERE document_id = :uploadId', { uploadId }));
}

function lastActiveAt(database: SqliteDatabase, uploadId: string): number | undefined {
  const row = database.get<{ last_active_at: number | null }>(
    'SELECT last_active_at FROM nodes WHERE document_id = :uploadId',
    { uploadId },
  );
  return row?.last_active_at ?? undefined;
}

function record(database: SqliteDatabase, uploadId: string, parts: readonly StoredPart[]): RecordOutcome {
  return database.write(() => {
    const row = database.get<{ status: UploadState }>(
      'SELECT upload_state AS status FROM nodes WHERE document_id = :uploadId AND s3_upload_id IS NOT NULL',
      { uploadId },
    );
    if (!row) return { kind: 'absent' };
    if (row.status !== 'UPLOADING') return { kind: 'closed', status: row.status };
    const newPartNumbers = writeParts(database, uploadId, parts, REPLACE_PART);
    database.run(`UPDATE nodes SET last_active_at = ${CLOCK_MS} WHERE document_id = :uploadId`, { uploadId });
    return { kind: 'recorded', receivedCount: countParts(database, uploadId), newPartNumbers };
  });
}

/** Answers the numbers of those that were not written just so before. */
function writeParts(
  database: SqliteDatabase,
  uploadId: string,
  parts: readonly StoredPart[],
  statement: string,
): number[] {
  const written = parts.filter(({ partNumber, sizeBytes, etag, checksum }) => {
    const digest = checksum === undefined ? null : JSON.stringify(checksum);
    return database.change(statement, { uploadId, partNumber, sizeBytes, etag, checksum: digest }) > 0;
  });
  return written.map(({ partNumber }) => partNumber);
}

function countParts(database: SqliteDatabase, uploadId: string): number {
  const row = database.get<{ count: number }>(
    'SELECT count(*) AS count FROM parts WHERE document_id = :uploadId',
    { uploadId },
  );
  return row?.count ?? 0;
}

async function attempt<Result>(deed: string, work: () => Result): Promise<Result> {
  try {
    return work();
  } catch (cause) {
    throw new StateStoreError(`the SQLite state store could not ${deed}`, { cause });
  }
}
