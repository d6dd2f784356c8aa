/**
 * What an upload whose size is unknown counts as in its owner's quota, and an index that sums an owner up. Uploads that
 * are open already count as nothing until the next of their parts is signed.
 */
export const ownerQuotas = `
alter table nodes add column reserved_bytes bigint not null default 0;

create index nodes_owner_usage on nodes (owner, upload_state, size_bytes);
`;
