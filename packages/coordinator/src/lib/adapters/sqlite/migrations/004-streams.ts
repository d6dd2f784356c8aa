/**
 * Uploads whose size is unknown when they begin. Until it is known, `size_bytes` and `part_count` are the most that they
 * may be: so a program of the version before, which knows nothing of this, takes no upload for larger or smaller than it
 * can be, and completes none.
 */
export const streams = `
ALTER TABLE nodes ADD COLUMN size_known INTEGER NOT NULL DEFAULT 1;
-- Parts after which the part size doubles; null: all are equal but the last.
ALTER TABLE nodes ADD COLUMN double_every INTEGER;
`;
