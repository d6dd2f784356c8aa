import type { ISql, Sql } from 'postgres';
import { CatalogError, type InsertOutcome } from '../../ports/catalog.ts';
import type { OwnerQuota } from '../../ports/owner-quota.ts';
import type { UploadDraft, UploadRecord } from '../../ports/upload-record.ts';
import { type DraftRow, draftRowOf } from '../node-row.ts';
import { isLimited } from '../owner-usage.ts';
import { assertOwnerRoom, lockOwner } from './owner-quota.ts';
import { columns, recordOfFirst } from './rows.ts';

// Between a refused insert and the look for the winner the winner may end; losing so often means something else is wrong.
const MAX_INSERTS = 10;

/** Inserts the draft, or finds the row that stands in its way. @throws QuotaExceededError */
export async function insert(sql: Sql, draft: UploadDraft, quota?: OwnerQuota): Promise<InsertOutcome> {
  const row = draftRowOf(draft);
  if (!isLimited(quota)) return await insertOrFind(sql, row, draft);
  return await sql.begin(async (transaction) => {
    await lockOwner(transaction, row.owner);
    const there = await findInTheWay(transaction, row);
    if (there) return there;
    const wanted = { uploads: 1, bytes: row.size_known === 1 ? row.size_bytes : 0 };
    await assertOwnerRoom(transaction, row.owner, quota, wanted);
    return await insertOrFind(transaction, row, draft);
  });
}

async function insertOrFind(sql: ISql, row: DraftRow, draft: UploadDraft): Promise<InsertOutcome> {
  for (let tries = 0; tries < MAX_INSERTS; tries += 1) {
    const inserted = await insertRow(sql, row, draft.pendingLimitMs);
    if (inserted) return { kind: 'inserted', record: inserted };
    const there = await findInTheWay(sql, row);
    if (there) return there;
  }
  throw new CatalogError(`upload ${draft.uploadId} was not inserted, and no other stands in its way`);
}

async function findInTheWay(sql: ISql, row: DraftRow): Promise<InsertOutcome | undefined> {
  const winner = await winnerOver(sql, row);
  return winner && { kind: winner.createId === row.create_id ? 'repeated' : 'open', record: winner };
}

async function insertRow(
  sql: ISql,
  row: DraftRow,
  pendingLimitMs: number,
): Promise<UploadRecord | undefined> {
  return recordOfFirst(
    await sql`
      insert into nodes (
        document_id, connector_id, owner, create_id, request_digest, name, bucket, s3_key, write_token,
        size_bytes, size_known, part_size_bytes, double_every, part_count, mode, content_type,
        metadata, checksum, checksum_algorithm, encryption, object_options, fingerprint,
        resumable, resume_key, idle_limit_ms,
        created_at, updated_at, expires_at, next_attempt_at
      )
      select
        ${row.document_id}::uuid, ${row.connector_id}, ${row.owner}, ${row.create_id}, ${row.request_digest},
        ${row.name}, ${row.bucket}, ${row.s3_key}, ${row.write_token},
        ${row.size_bytes}::bigint, ${row.size_known === 1}::boolean, ${row.part_size_bytes}::bigint, ${row.double_every}::int,
        ${row.part_count}::int, ${row.mode}, ${row.content_type},
        ${row.metadata}::text::json, ${row.checksum}::text::json, ${row.checksum_algorithm},
        ${row.encryption}::text::json, ${row.object_options}::text::json, ${row.fingerprint},
        ${row.resumable === 1}::boolean, ${row.resume_key}, ${row.idle_limit_ms}::bigint,
        now, now, now + ${row.idle_limit_ms}::bigint * interval '1 millisecond',
        now + ${pendingLimitMs}::float8 * interval '1 millisecond'
      from clock_timestamp() as now
      on conflict do nothing
      returning ${columns(sql)}`,
  );
}

async function winnerOver(sql: ISql, row: DraftRow): Promise<UploadRecord | undefined> {
  return recordOfFirst(
    await sql`
      select ${columns(sql)} from nodes
      where owner = ${row.owner} and (
        create_id = ${row.create_id}
        or (resume_key = ${row.resume_key} and upload_state in ('PENDING', 'UPLOADING'))
      )
      order by create_id = ${row.create_id} desc
      limit 1`,
  );
}
