import type { Sql, TransactionSql } from 'postgres';
import type { OwnerQuota } from '../../ports/owner-quota.ts';
import { assertRoom, isLimited, type OwnerUsage, type Wanted } from '../owner-usage.ts';
import { idOf } from './rows.ts';

/**
 * Waits until nobody else takes room of this owner. The transaction's end lets the next one in: what a statement after
 * this one reads holds until then.
 */
export async function lockOwner(transaction: TransactionSql, owner: string): Promise<void> {
  await transaction`select pg_advisory_xact_lock(hashtextextended('longhaul.owner.' || ${owner}, 0))`;
}

/** Call it after {@link lockOwner}, in the transaction that takes the room. @throws QuotaExceededError */
export async function assertOwnerRoom(
  transaction: TransactionSql,
  owner: string,
  quota: OwnerQuota,
  wanted: Wanted,
): Promise<void> {
  assertRoom(await usageOf(transaction, owner, quota), quota, wanted);
}

/** Counts an upload whose size is unknown as so many bytes. @throws QuotaExceededError */
export async function reserve(
  sql: Sql,
  uploadId: string,
  sizeBytes: number,
  quota: OwnerQuota,
): Promise<void> {
  if (!isLimited(quota)) return;
  await sql.begin(async (transaction) => {
    const [row] = await transaction<{ owner: string }[]>`
      select owner from nodes where document_id = ${idOf(uploadId)} and not size_known`;
    if (!row) return;
    await lockOwner(transaction, row.owner);
    const [wanting] = await transaction<{ reserved: number }[]>`
      select reserved_bytes::float8 as reserved from nodes
      where document_id = ${idOf(uploadId)} and not size_known and reserved_bytes < ${sizeBytes}::bigint`;
    if (!wanting) return;
    const bytes = sizeBytes - wanting.reserved;
    await assertOwnerRoom(transaction, row.owner, quota, { uploads: 0, bytes });
    await transaction`
      update nodes set reserved_bytes = ${sizeBytes}::bigint where document_id = ${idOf(uploadId)}`;
  });
}

async function usageOf(
  transaction: TransactionSql,
  owner: string,
  { maxBytes }: OwnerQuota,
): Promise<OwnerUsage> {
  const [open] = await transaction<{ uploads: number; bytes: number }[]>`
    select count(*)::float8 as uploads,
      coalesce(sum(
        case when size_known or upload_state = 'COMPLETING' then size_bytes else reserved_bytes end
      ), 0)::float8 as bytes
    from nodes
    where owner = ${owner} and upload_state in ('PENDING', 'UPLOADING', 'COMPLETING', 'ABORTING')`;
  const [stored] =
    maxBytes === undefined
      ? []
      : await transaction<{ bytes: number }[]>`
          select coalesce(sum(size_bytes), 0)::float8 as bytes
          from nodes where owner = ${owner} and upload_state = 'COMPLETED'`;
  return {
    open_uploads: open?.uploads ?? 0,
    open_bytes: open?.bytes ?? 0,
    stored_bytes: stored?.bytes ?? 0,
  };
}
