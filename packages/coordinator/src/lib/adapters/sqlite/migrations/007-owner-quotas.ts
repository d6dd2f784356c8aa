/**
 * What an upload whose size is unknown counts as in its owner's quota, and an index that sums an owner up. Uploads that
 * are open already count as nothing until the next of their parts is signed.
 */
export const ownerQuotas = `
ALTER TABLE nodes ADD COLUMN reserved_bytes INTEGER NOT NULL DEFAULT 0;

CREATE INDEX nodes_owner_usage ON nodes (owner, upload_state, size_bytes);
`;
