import type { Sql } from 'postgres';
import type { Catalog, UploadRecord } from '../../ports/catalog.ts';
import { completionOf } from './completion.ts';
import { insert } from './insert.ts';
import { migrate } from './migrate.ts';
import {
  attempt,
  changeRow,
  columns,
  type Fragment,
  fullSpan,
  halfOfSpanIsGone,
  idOf,
  recordOfFirst,
  translated,
} from './rows.ts';

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
    migrate: () => translated('bring its schema up to date', () => migrate(sql)),
    insert: (draft) => attempt('insert an upload', () => insert(sql, draft)),
    find: (uploadId) => attempt('read an upload', () => find(sql, uploadId)),
    ...movesOf(sql),
    ...completionOf(sql),
    recordGrant: (uploadId, { expiresInSeconds }) =>
      attempt('record a grant', () => recordGrant(sql, uploadId, expiresInSeconds)),
    recordActivity: (uploadId) => attempt('record activity', () => recordActivity(sql, uploadId)),
    ping: () => attempt('answer', async () => void (await sql`select 1`)),
    close: () => translated('close', () => sql.end({ timeout: END_TIMEOUT_SECONDS })),
  };
}

// Queries that run when the catalog is closed get this long before they are cut.
const END_TIMEOUT_SECONDS = 5;

type Moves = Pick<Catalog, 'saveMultipart' | 'openWithoutMultipart' | 'beginAbort' | 'finishAbort'>;

function movesOf(sql: Sql): Moves {
  const change = (
    deed: string,
    uploadId: string,
    set: Fragment,
    where: Fragment,
  ): Promise<UploadRecord | undefined> => attempt(deed, () => changeRow(sql, uploadId, set, where));

  return {
    saveMultipart: (uploadId, { s3UploadId, mustFinishByEpochMs = null }) =>
      change(
        'save a multipart id',
        uploadId,
        sql`upload_state = 'UPLOADING', s3_upload_id = ${s3UploadId},
          must_finish_by = to_timestamp(${mustFinishByEpochMs}::float8 / 1000)`,
        sql`upload_state = 'PENDING'`,
      ),
    openWithoutMultipart: (uploadId) =>
      change('open an upload', uploadId, sql`upload_state = 'UPLOADING'`, sql`upload_state = 'PENDING'`),
    beginAbort: (uploadId) =>
      change(
        'begin an abort',
        uploadId,
        sql`upload_state = 'ABORTING'`,
        sql`upload_state in ('PENDING', 'UPLOADING') and complete_sent_at is null`,
      ),
    finishAbort: (uploadId) =>
      change('finish an abort', uploadId, sql`upload_state = 'CANCELLED'`, sql`upload_state = 'ABORTING'`),
  };
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
