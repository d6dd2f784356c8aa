import type { Sql, TransactionSql } from 'postgres';
import type {
  CopiedObject,
  DrivenRotation,
  InsertRotationOutcome,
  OpenRotations,
  RotationDraft,
  RotationRecord,
  Rotations,
} from '../../ports/rotations.ts';
import {
  openRotationsOf,
  type OpenRotationsRow,
  ROTATION_COLUMNS,
  rotationOf,
  type RotationRow,
  rotationValuesOf,
} from '../rotation-row.ts';
import { type EndedRow, rotatedEventOf } from '../upload-event-row.ts';
import { attempt, columns, epochMs, type Fragment, fromNow, idOf, writeEvent } from './rows.ts';

type Query = Sql | TransactionSql;

/** The rotations in Postgres. */
export function rotationsOf(sql: Sql): Rotations {
  const change = (
    deed: string,
    rotation: DrivenRotation,
    set: Fragment,
    where: Fragment,
  ): Promise<RotationRecord | undefined> => attempt(deed, () => changeDriven(sql, rotation, set, where));

  return {
    insert: (draft) => attempt('insert a rotation', () => sql.begin((query) => insert(query, draft))),
    find: (uploadId, rotationId) => attempt('read a rotation', () => find(sql, uploadId, rotationId)),
    findDue: ({ bucket, limit }) =>
      attempt('find rotations that are due', async () => {
        const rows = await sql<RotationRow[]>`
          select ${rotationColumns(sql)} from rotations
          where next_attempt_at <= clock_timestamp() and ${isFree(sql)} and bucket = ${bucket}
          order by next_attempt_at limit ${limit}`;
        return rows.map(rotationOf);
      }),
    findByKeys: (keys) => attempt('find rotations by their keys', () => findByKeys(sql, keys)),
    countOpen: () => attempt('count open rotations', () => countOpen(sql)),
    take: ({ uploadId, rotationId }, leaseMs) =>
      attempt('take a rotation', async () => {
        // What has ended is taken as well, once it is due: for what is left of its copy, or of the object before.
        const rows = await sql<RotationRow[]>`
          update rotations set epoch = epoch + 1, claimed_until = ${fromNow(sql, leaseMs)},
            next_attempt_at = ${fromNow(sql, leaseMs)}, updated_at = clock_timestamp()
          where document_id = ${idOf(uploadId)} and rotation_id = ${idOf(rotationId)} and ${isFree(sql)}
            and (${isOpen(sql)} or (${hasEnded(sql)} and next_attempt_at <= clock_timestamp()))
          returning ${rotationColumns(sql)}`;
        return firstOf(rows);
      }),
    renew: async (rotation, { leaseMs, copiedPartCount = 0 }) => {
      const set = sql`claimed_until = ${fromNow(sql, leaseMs)}, next_attempt_at = ${fromNow(sql, leaseMs)},
        copied_part_count = greatest(copied_part_count, ${copiedPartCount}::int)`;
      return (await change('renew a rotation', rotation, set, isOpen(sql))) !== undefined;
    },
    saveCopy: (rotation, s3UploadId) =>
      change(
        'save a copy',
        rotation,
        sql`state = 'COPYING', s3_upload_id = ${s3UploadId ?? null}, copied_part_count = 0`,
        sql`state in ('PENDING', 'COPYING')`,
      ),
    recordComplete: async (rotation) =>
      (await change(
        'note that a copy is completed',
        rotation,
        sql`complete_sent = true`,
        sql`state = 'COPYING'`,
      )) !== undefined,
    switchObject: (rotation, copy) =>
      attempt('switch to a copy', () => sql.begin((query) => switchObject(query, rotation, copy))),
    ...endsOf(sql, change),
  };
}

function endsOf(
  sql: Sql,
  change: (
    deed: string,
    rotation: DrivenRotation,
    set: Fragment,
    where: Fragment,
  ) => Promise<RotationRecord | undefined>,
): Pick<Rotations, 'finish' | 'fail' | 'postpone' | 'finishCleanup'> {
  return {
    finish: (rotation, { lastError, checkAgainAfterMs }) =>
      change(
        'finish a rotation',
        rotation,
        sql`state = 'DONE', next_attempt_at = ${fromNow(sql, checkAgainAfterMs ?? null)}, claimed_until = null,
          last_error = ${lastError ?? null}`,
        sql`state = 'SWITCHED'`,
      ),
    fail: (rotation, { lastError, quietForMs }) =>
      change(
        'fail a rotation',
        rotation,
        sql`state = 'FAILED', claimed_until = null, last_error = ${lastError},
          next_attempt_at = case when complete_sent then ${fromNow(sql, quietForMs)} else clock_timestamp() end`,
        sql`state in ('PENDING', 'COPYING')`,
      ),
    async postpone(rotation, { delayMs, lastError = null }: { delayMs: number; lastError?: string | null }) {
      const set = sql`next_attempt_at = ${fromNow(sql, delayMs)}, claimed_until = null,
        last_error = coalesce(${lastError}, last_error)`;
      await change('postpone a rotation', rotation, set, sql`${isOpen(sql)} or ${hasEnded(sql)}`);
    },
    async finishCleanup(rotation) {
      const set = sql`next_attempt_at = null, claimed_until = null`;
      await change('finish the clean-up of a rotation', rotation, set, hasEnded(sql));
    },
  };
}

// Casts, so that what arrives does not hang on the type parsers of the caller's client.
const CASTS: Readonly<Record<string, string>> = {
  document_id: 'document_id::text',
  rotation_id: 'rotation_id::text',
  source_encryption: 'source_encryption::text',
  encryption: 'encryption::text',
  size_bytes: 'size_bytes::float8',
  part_size_bytes: 'part_size_bytes::float8',
  complete_sent: 'complete_sent::int',
  delete_versions: 'delete_versions::int',
  created_at: epochMs('created_at'),
  next_attempt_at: epochMs('next_attempt_at'),
};

const ROTATION = ROTATION_COLUMNS.map((name) => `${CASTS[name] ?? name} as ${name}`).join(', ');

function rotationColumns(sql: Query): Fragment {
  return sql.unsafe(ROTATION);
}

function isOpen(sql: Query): Fragment {
  return sql`state in ('PENDING', 'COPYING', 'SWITCHED')`;
}

function hasEnded(sql: Query): Fragment {
  return sql`state in ('DONE', 'FAILED')`;
}

function isFree(sql: Query): Fragment {
  return sql`(claimed_until is null or claimed_until <= clock_timestamp())`;
}

// Rotations of one node are numbered one after another, so the highest number is the newest.
async function find(
  sql: Query,
  uploadId: string,
  rotationId: string | undefined,
): Promise<RotationRecord | undefined> {
  const which = rotationId === undefined ? sql`true` : sql`rotation_id = ${idOf(rotationId)}`;
  return firstOf(
    await sql<RotationRow[]>`
      select ${rotationColumns(sql)} from rotations where document_id = ${idOf(uploadId)} and ${which}
      order by generation desc limit 1`,
  );
}

async function findByKeys(sql: Query, keys: readonly string[]): Promise<readonly RotationRecord[]> {
  // JSON, because how a driver writes an array hangs on what it knows of the database's types.
  const wanted = sql`(select json_array_elements_text(${JSON.stringify(keys)}::text::json))`;
  const rows = await sql<RotationRow[]>`
    select ${rotationColumns(sql)} from rotations where s3_key in ${wanted} or source_key in ${wanted}`;
  return rows.map(rotationOf);
}

async function countOpen(sql: Query): Promise<OpenRotations> {
  // By the words of the partial index rotations_open, so that those that have ended are not read.
  return openRotationsOf(
    await sql<OpenRotationsRow[]>`
      select state, count(*)::float8 as count,
        floor(extract(epoch from clock_timestamp() - min(created_at)) * 1000)::float8 as age_ms
      from rotations where ${isOpen(sql)} group by state`,
  );
}

async function insert(sql: TransactionSql, draft: RotationDraft): Promise<InsertRotationOutcome> {
  const { uploadId, rotationId, sourceKey, bucket } = draft;
  // Those who insert for one node wait for each other here.
  const [node] = await sql`
    select 1 from nodes
    where document_id = ${idOf(uploadId)} and upload_state = 'COMPLETED' and s3_key = ${sourceKey} and bucket = ${bucket}
    for update`;
  const repeated = await find(sql, uploadId, rotationId);
  if (repeated) return { kind: 'repeated', rotation: repeated };
  const open = firstOf(
    await sql<RotationRow[]>`
      select ${rotationColumns(sql)} from rotations where document_id = ${idOf(uploadId)} and ${isOpen(sql)}`,
  );
  if (open) return { kind: 'open', rotation: open };
  if (!node) return { kind: 'moved' };
  const { baseKey, writeToken, encryption, sizeBytes, partSizeBytes, partCount, deleteVersions } =
    rotationValuesOf(draft);
  const [row] = await sql<RotationRow[]>`
    insert into rotations (document_id, rotation_id, bucket, generation, source_key, source_version_id, source_etag,
      source_encryption, s3_key, write_token, encryption, size_bytes, part_size_bytes, part_count, delete_versions)
    select document_id, ${rotationId}::uuid, bucket, next, s3_key, s3_version_id, s3_etag, encryption,
      ${baseKey}::text || '.' || next, ${writeToken}, ${encryption}::text::json, ${sizeBytes}::bigint,
      ${partSizeBytes}::bigint, ${partCount}::int, ${deleteVersions}::int = 1
    from nodes, lateral (
      select 1 + greatest(nodes.generation, coalesce(max(rotations.generation), 0)) as next
      from rotations where rotations.document_id = nodes.document_id
    ) as numbered
    where document_id = ${idOf(uploadId)}
    returning ${rotationColumns(sql)}`;
  return row ? { kind: 'inserted', rotation: rotationOf(row) } : { kind: 'moved' };
}

async function switchObject(
  sql: TransactionSql,
  driven: DrivenRotation,
  { etag, versionId = null, proof }: Omit<CopiedObject, 'versionId'> & { readonly versionId?: string | null },
): Promise<RotationRecord | undefined> {
  const rotation = firstOf(
    await sql<RotationRow[]>`
      select ${rotationColumns(sql)} from rotations
      where ${isDrivenBy(sql, driven)} and state = 'COPYING' for update`,
  );
  if (!rotation) return undefined;
  const { uploadId, s3Key, sourceKey, sourceVersionId, writeToken, generation } = rotation;
  const [node] = await sql<EndedRow[]>`
    update nodes set s3_key = ${s3Key}, s3_etag = ${etag}, s3_version_id = ${versionId}, proof = ${proof},
      encryption = ${JSON.stringify(rotation.encryption)}::text::json, write_token = ${writeToken},
      generation = ${generation}, updated_at = clock_timestamp()
    where document_id = ${idOf(uploadId)} and upload_state = 'COMPLETED' and s3_key = ${sourceKey}
    returning ${columns(sql)}, ${sql.unsafe(epochMs('updated_at'))} as updated_at,
      (select installation_id::text from longhaul_installation) as installation_id`;
  if (!node) return undefined;
  const previous = { key: sourceKey, ...(sourceVersionId !== undefined && { versionId: sourceVersionId }) };
  await writeEvent(sql, uploadId, rotatedEventOf(node, previous));
  const set = sql`state = 'SWITCHED', copied_part_count = part_count, last_error = null`;
  return await changeDriven(sql, driven, set, sql`state = 'COPYING'`);
}

function isDrivenBy(sql: Query, { uploadId, rotationId, epoch }: DrivenRotation): Fragment {
  return sql`document_id = ${idOf(uploadId)} and rotation_id = ${idOf(rotationId)} and epoch = ${epoch}`;
}

async function changeDriven(
  sql: Query,
  driven: DrivenRotation,
  set: Fragment,
  where: Fragment,
): Promise<RotationRecord | undefined> {
  return firstOf(
    await sql<RotationRow[]>`
      update rotations set ${set}, updated_at = clock_timestamp()
      where ${isDrivenBy(sql, driven)} and (${where})
      returning ${rotationColumns(sql)}`,
  );
}

function firstOf([row]: readonly RotationRow[]): RotationRecord | undefined {
  return row && rotationOf(row);
}
