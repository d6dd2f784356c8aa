/** The catalog's first table: one row for each upload. */
export const nodes = `
create table nodes (
  document_id uuid primary key,
  connector_id text not null,
  owner text not null,
  create_id text not null,
  request_digest text not null,
  name text not null,
  bucket text not null,
  s3_key text not null,
  s3_upload_id text,
  write_token text not null,
  s3_version_id text,
  s3_etag text,
  size_bytes bigint not null,
  part_size_bytes bigint not null,
  part_count integer not null,
  mode text not null,
  content_type text not null,
  metadata json not null,
  upload_state text not null default 'PENDING',
  status text not null generated always as (
    case upload_state
      when 'COMPLETED' then 'ACTIVE'
      when 'CANCELLED' then 'CANCELLED'
      when 'EXPIRED' then 'EXPIRED'
      when 'FAILED' then 'FAILED'
      else 'PENDING'
    end
  ) stored,
  checksum json,
  encryption json,
  fingerprint text,
  resumable boolean not null,
  -- Digest of what must be equal for one upload to continue another; null: continues none.
  resume_key text,
  epoch integer not null default 0,
  token_version integer not null default 1,
  parts_digest text,
  complete_sent_at timestamptz,
  next_attempt_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  expires_at timestamptz not null,
  idle_limit_ms bigint not null,
  must_finish_by timestamptz,
  grants_expire_at timestamptz,
  cancel_requested boolean not null default false,
  proof text,
  completed_at timestamptz,
  last_error text
);

create unique index nodes_create_id on nodes (owner, create_id);

create unique index nodes_open_content on nodes (owner, resume_key)
  where resume_key is not null and upload_state in ('PENDING', 'UPLOADING');
`;
