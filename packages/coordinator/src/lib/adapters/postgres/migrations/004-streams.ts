/**
 * Uploads whose size is unknown when they begin. Until it is known, `size_bytes` and `part_count` are the most that they
 * may be: so a program of the version before, which knows nothing of this, takes no upload for larger or smaller than it
 * can be, and completes none.
 */
export const streams = `
alter table nodes
  add column size_known boolean not null default true,
  -- Parts after which the part size doubles; null: all are equal but the last.
  add column double_every integer;
`;
