import type { Sql } from 'postgres';
import { type Catalog, CatalogError, type Installation } from '../../ports/catalog.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import { abortOf } from './abort.ts';
import { completionOf } from './completion.ts';
import { insert } from './insert.ts';
import { migrate } from './migrate.ts';
import { reserve } from './owner-quota.ts';
import { outboxOf } from './outbox.ts';
import { rotationsOf } from './rotations.ts';
import {
  attempt,
  changeRow,
  columns,
  epochMs,
  type Fragment,
  fromNow,
  fullSpan,
  halfOfSpanIsGone,
  idOf,
  recordOfFirst,
  translated,
} from './rows.ts';
import { sweepOf } from './sweep.ts';

/** Options of {@link createPostgresCatalog}. */
export interface PostgresCatalogOptions {
  /**
   * A client of the package `postgres`, without the option `transform`. The catalog ends it on `close`, so give it one
   * of its own.
   */
  readonly sql: Sql;
}

/**
 * The catalog in Postgres, for any number of replicas. All times are the database's `clock_timestamp()`.
 *
 * Tables go into the first schema of the client's `search_path`. Call `migrate()` before anything else.
 * A call without an answer after 30 s throws; it may have done its work all the same.
 *
 * @example
 * import postgres from 'postgres';
 * const catalog = createPostgresCatalog({ sql: postgres('postgres://127.0.0.1/longhaul') });
 */
export function createPostgresCatalog(options: PostgresCatalogOptions): Catalog {
  const { sql } = options;
  return {
    outbox: outboxOf(sql),
    rotations: rotationsOf(sql),
    migrate: () => translated('bring its schema up to date', () => migrate(sql)),
    installation: () => attempt('tell who it is', () => installation(sql)),
    insert: (draft, quota) => attempt('insert an upload', () => insert(sql, draft, quota)),
    reserve: (uploadId, sizeBytes, quota) =>
      attempt('reserve room', () => reserve(sql, uploadId, sizeBytes, quota)),
    revokeTokens: (uploadId) =>
      attempt('revoke tokens', () =>
        changeRow(sql, uploadId, sql`token_version = token_version + 1`, sql`true`),
      ),
    find: (uploadId) => attempt('read an upload', () => find(sql, uploadId)),
    ...openingOf(sql),
    ...completionOf(sql),
    ...abortOf(sql),
    ...sweepOf(sql),
    recordGrant: (uploadId, { expiresInSeconds }) =>
      attempt('record a grant', () => recordGrant(sql, uploadId, expiresInSeconds)),
    recordActivity: (uploadId) => attempt('record activity', () => recordActivity(sql, uploadId)),
    ping: () => attempt('answer', async () => void (await sql`select 1`)),
    close: () => translated('close', () => sql.end({ timeout: END_TIMEOUT_SECONDS })),
  };
}

// Queries that run when the catalog is closed get this long before they are cut.
const END_TIMEOUT_SECONDS = 5;

type Opening = Pick<Catalog, 'repeatCreate' | 'saveMultipart' | 'openWithoutMultipart'>;

function openingOf(sql: Sql): Opening {
  const change = (deed: string, uploadId: string, set: Fragment): Promise<UploadRecord | undefined> =>
    attempt(deed, () => changeRow(sql, uploadId, set, sql`upload_state = 'PENDING'`));

  return {
    repeatCreate: (uploadId, pendingLimitMs) =>
      change(
        'note that a create is repeated',
        uploadId,
        sql`create_repeated = true, next_attempt_at = ${fromNow(sql, pendingLimitMs)}, claimed_until = null`,
      ),
    saveMultipart: (uploadId, { s3UploadId, mustFinishByEpochMs = null }) =>
      change(
        'save a multipart id',
        uploadId,
        sql`upload_state = 'UPLOADING', s3_upload_id = ${s3UploadId},
          must_finish_by = to_timestamp(${mustFinishByEpochMs}::float8 / 1000), next_attempt_at = null`,
      ),
    openWithoutMultipart: (uploadId) =>
      change(
        'open an upload',
        uploadId,
        sql`upload_state = 'UPLOADING', next_attempt_at = case mode when 'inline' then next_attempt_at end`,
      ),
  };
}

async function installation(sql: Sql): Promise<Installation> {
  const [row] = await sql<{ installation_id: string; created_at: number }[]>`
    select installation_id::text, ${sql.unsafe(epochMs('created_at'))} as created_at from longhaul_installation`;
  if (!row) throw new CatalogError('the Postgres catalog has no installation id: its table was emptied');
  return { installationId: row.installation_id, createdAtEpochMs: row.created_at };
}

async function find(sql: Sql, uploadId: string): Promise<UploadRecord | undefined> {
  return recordOfFirst(await sql`select ${columns(sql)} from nodes where document_id = ${idOf(uploadId)}`);
}

// Written whatever the state is: a cancel that came first still has to wait for a URL that is being signed.
async function recordGrant(sql: Sql, uploadId: string, expiresInSeconds: number): Promise<boolean> {
  const [row] = await sql<{ upload_state: string }[]>`
    update nodes set
      grants_expire_at = greatest(grants_expire_at, clock_timestamp() + ${expiresInSeconds}::float8 * interval '1 second'),
      expires_at = case when upload_state = 'UPLOADING' and ${halfOfSpanIsGone(sql)}
        then ${fullSpan(sql)} else expires_at end
    where document_id = ${idOf(uploadId)}
    returning upload_state`;
  return row?.upload_state === 'UPLOADING';
}

async function recordActivity(sql: Sql, uploadId: string): Promise<void> {
  await sql`
    update nodes set expires_at = ${fullSpan(sql)}
    where document_id = ${idOf(uploadId)} and upload_state in ('PENDING', 'UPLOADING') and ${halfOfSpanIsGone(sql)}`;
}
