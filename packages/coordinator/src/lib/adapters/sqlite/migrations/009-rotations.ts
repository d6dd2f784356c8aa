/** What gives objects another encryption, and how often each was. Times are epoch milliseconds. */
export const rotations = `
ALTER TABLE nodes ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;

CREATE TABLE rotations (
  document_id TEXT NOT NULL REFERENCES nodes (document_id) ON DELETE CASCADE,
  rotation_id TEXT NOT NULL,
  bucket TEXT NOT NULL,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'PENDING',
  epoch INTEGER NOT NULL DEFAULT 0,
  source_key TEXT NOT NULL,
  source_version_id TEXT,
  source_etag TEXT,
  source_encryption TEXT,
  s3_key TEXT NOT NULL,
  s3_upload_id TEXT,
  write_token TEXT NOT NULL,
  encryption TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  part_size_bytes INTEGER NOT NULL,
  part_count INTEGER NOT NULL,
  copied_part_count INTEGER NOT NULL DEFAULT 0,
  complete_sent INTEGER NOT NULL DEFAULT 0,
  delete_versions INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  next_attempt_at INTEGER,
  claimed_until INTEGER,
  last_error TEXT,
  PRIMARY KEY (document_id, rotation_id)
) STRICT;

CREATE UNIQUE INDEX rotations_open ON rotations (document_id) WHERE state IN ('PENDING', 'COPYING', 'SWITCHED');
CREATE UNIQUE INDEX rotations_generation ON rotations (document_id, generation);
CREATE INDEX rotations_due ON rotations (next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- An upload ends once, and its object may be rotated often.
CREATE UNIQUE INDEX outbox_end_once ON outbox (node_id, type) WHERE type <> 'io.longhaul.encryption.rotated.v1';
DROP INDEX outbox_once;
`;
