/** Events in a table of their own, and what a sweeper needs to know of an upload. */
export const outbox = `
create table longhaul_installation (
  only_row boolean primary key default true check (only_row),
  installation_id uuid not null,
  created_at timestamptz not null
);

-- A database that has rows already is as old as its first migration.
insert into longhaul_installation (installation_id, created_at)
select gen_random_uuid(), min(applied_at) from longhaul_migrations;

alter table nodes
  -- When the newest attempt to complete but one was sent, if its end is not known.
  add column unresolved_sent_at timestamptz,
  add column abort_to text,
  add column create_repeated boolean not null default false,
  -- A sweeper has taken the row: others leave it alone until then.
  add column claimed_until timestamptz,
  -- What ended before there were events is not told. True first, because it is cheaper to correct the few open rows.
  add column event_written boolean not null default true;

alter table nodes alter column event_written set default false;

update nodes set event_written = false where upload_state not in ('COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED');

create index nodes_s3_key on nodes (s3_key);
create index nodes_due on nodes (next_attempt_at) where next_attempt_at is not null;
create index nodes_expiring on nodes (expires_at) where upload_state in ('PENDING', 'UPLOADING', 'ABORTING');
create index nodes_ended on nodes (updated_at) where upload_state in ('CANCELLED', 'EXPIRED', 'FAILED');
create index nodes_untold on nodes (updated_at)
  where not event_written and upload_state in ('COMPLETED', 'CANCELLED', 'EXPIRED', 'FAILED');

create table outbox (
  seq bigint primary key generated always as identity,
  event_id uuid not null unique,
  node_id uuid not null,
  type text not null,
  event json not null,
  written_at timestamptz not null,
  next_attempt_at timestamptz not null,
  attempts integer not null default 0,
  delivered_to json not null default '[]',
  last_error text,
  parked_at timestamptz,
  sent_at timestamptz
);

create unique index outbox_once on outbox (node_id, type);
create index outbox_unsent on outbox (node_id, seq) where sent_at is null;
create index outbox_due on outbox (next_attempt_at, seq) where sent_at is null and parked_at is null;
create index outbox_sent on outbox (sent_at) where sent_at is not null;
`;
