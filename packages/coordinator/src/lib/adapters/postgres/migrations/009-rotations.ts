/** What gives objects another encryption, and how often each was. */
export const rotations = `
alter table nodes add column generation integer not null default 0;

create table rotations (
  document_id uuid not null references nodes (document_id) on delete cascade,
  rotation_id uuid not null,
  bucket text not null,
  generation integer not null,
  state text not null default 'PENDING',
  epoch integer not null default 0,
  source_key text not null,
  source_version_id text,
  source_etag text,
  source_encryption json,
  s3_key text not null,
  s3_upload_id text,
  write_token text not null,
  encryption json not null,
  size_bytes bigint not null,
  part_size_bytes bigint not null,
  part_count integer not null,
  copied_part_count integer not null default 0,
  complete_sent boolean not null default false,
  delete_versions boolean not null,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  next_attempt_at timestamptz default clock_timestamp(),
  claimed_until timestamptz,
  last_error text,
  primary key (document_id, rotation_id)
);

create unique index rotations_open on rotations (document_id) where state in ('PENDING', 'COPYING', 'SWITCHED');
create unique index rotations_generation on rotations (document_id, generation);
create index rotations_due on rotations (next_attempt_at) where next_attempt_at is not null;

-- An upload ends once, and its object may be rotated often.
create unique index outbox_end_once on outbox (node_id, type) where type <> 'io.longhaul.encryption.rotated.v1';
drop index outbox_once;
`;
