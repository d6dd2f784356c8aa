/** The catalog's first tables: one row for each upload, and the parts received of it. Times are epoch milliseconds. */
export const nodes = `
CREATE TABLE nodes (
  document_id TEXT PRIMARY KEY NOT NULL,
  connector_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  create_id TEXT NOT NULL,
  request_digest TEXT NOT NULL,
  name TEXT NOT NULL,
  bucket TEXT NOT NULL,
  s3_key TEXT NOT NULL,
  s3_upload_id TEXT,
  write_token TEXT NOT NULL,
  s3_version_id TEXT,
  s3_etag TEXT,
  size_bytes INTEGER NOT NULL,
  part_size_bytes INTEGER NOT NULL,
  part_count INTEGER NOT NULL,
  mode TEXT NOT NULL,
  content_type TEXT NOT NULL,
  metadata TEXT NOT NULL,
  upload_state TEXT NOT NULL DEFAULT 'PENDING',
  status TEXT NOT NULL GENERATED ALWAYS AS (
    CASE upload_state
      WHEN 'COMPLETED' THEN 'ACTIVE'
      WHEN 'CANCELLED' THEN 'CANCELLED'
      WHEN 'EXPIRED' THEN 'EXPIRED'
      WHEN 'FAILED' THEN 'FAILED'
      ELSE 'PENDING'
    END
  ) STORED,
  checksum TEXT,
  encryption TEXT,
  fingerprint TEXT,
  resumable INTEGER NOT NULL,
  -- Digest of what must be equal for one upload to continue another; NULL: continues none.
  resume_key TEXT,
  epoch INTEGER NOT NULL DEFAULT 0,
  token_version INTEGER NOT NULL DEFAULT 1,
  parts_digest TEXT,
  complete_sent_at INTEGER,
  next_attempt_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  idle_limit_ms INTEGER NOT NULL,
  must_finish_by INTEGER,
  grants_expire_at INTEGER,
  cancel_requested INTEGER NOT NULL DEFAULT 0,
  proof TEXT,
  completed_at INTEGER,
  last_error TEXT
) STRICT;

CREATE UNIQUE INDEX nodes_create_id ON nodes (owner, create_id);

CREATE UNIQUE INDEX nodes_open_content ON nodes (owner, resume_key)
  WHERE resume_key IS NOT NULL AND upload_state IN ('PENDING', 'UPLOADING');

CREATE TABLE parts (
  document_id TEXT NOT NULL REFERENCES nodes (document_id) ON DELETE CASCADE,
  part_number INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  etag TEXT NOT NULL,
  PRIMARY KEY (document_id, part_number)
) STRICT, WITHOUT ROWID;
`;
