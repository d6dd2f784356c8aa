/** Events in a table of their own, and what a sweeper needs to know of an upload. */
export const outbox = `
CREATE TABLE longhaul_installation (
  only_row INTEGER PRIMARY KEY DEFAULT 1 CHECK (only_row = 1),
  installation_id TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

-- A random UUID. A database that has rows already is as old as its first migration.
INSERT INTO longhaul_installation (installation_id, created_at)
SELECT
  lower(
    hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
    || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))
  ),
  min(applied_at)
FROM longhaul_migrations;

-- When the newest attempt to complete but one was sent, if its end is not known.
ALTER TABLE nodes ADD COLUMN unresolved_sent_at INTEGER;
ALTER TABLE nodes ADD COLUMN abort_to TEXT;
ALTER TABLE nodes ADD COLUMN create_repeated INTEGER NOT NULL DEFAULT 0;
-- A sweeper has taken the row: others leave it alone until then.
ALTER TABLE nodes ADD COLUMN claimed_until INTEGER;
ALTER TABLE nodes ADD COLUMN event_written INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN last_active_at INTEGER;
ALTER TABLE parts ADD COLUMN checksum TEXT;

-- What ended before there were events is not told.
UPDATE nodes SET event_written = 1 WHERE upload_state IN ('COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED');

CREATE INDEX nodes_s3_key ON nodes (s3_key);
CREATE INDEX nodes_due ON nodes (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX nodes_expiring ON nodes (expires_at) WHERE upload_state IN ('PENDING', 'UPLOADING', 'ABORTING');
CREATE INDEX nodes_ended ON nodes (updated_at) WHERE upload_state IN ('CANCELLED', 'EXPIRED', 'FAILED');
CREATE INDEX nodes_untold ON nodes (updated_at)
  WHERE event_written = 0 AND upload_state IN ('COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED');

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  node_id TEXT NOT NULL,
  type TEXT NOT NULL,
  event TEXT NOT NULL,
  written_at INTEGER NOT NULL,
  next_attempt_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  delivered_to TEXT NOT NULL DEFAULT '[]',
  last_error TEXT,
  parked_at INTEGER,
  sent_at INTEGER
) STRICT;

CREATE UNIQUE INDEX outbox_once ON outbox (node_id, type);
CREATE INDEX outbox_unsent ON outbox (node_id, seq) WHERE sent_at IS NULL;
CREATE INDEX outbox_due ON outbox (next_attempt_at, seq) WHERE sent_at IS NULL AND parked_at IS NULL;
CREATE INDEX outbox_sent ON outbox (sent_at) WHERE sent_at IS NOT NULL;
`;
