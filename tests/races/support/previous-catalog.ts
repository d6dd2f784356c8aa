import type { Sql } from 'postgres';
import type { Catalog, UploadDraft, UploadRecord } from '@longhaul/coordinator';
import { boundsOf } from '@longhaul/protocol';

/**
 * The catalog of the program before this one: the statements that it sent, word for word where they change a row, from a
 * time when the schema had its first version only. It had no outbox and no sweeper, and noted no repeated create.
 */
export function createPreviousCatalog(sql: Sql, catalog: Catalog): Catalog {
  const changed = async (
    uploadId: string,
    rows: Promise<readonly object[]>,
  ): Promise<UploadRecord | undefined> =>
    (await rows).length > 0 ? await catalog.find(uploadId) : undefined;
  return {
    ...catalog,
    async insert(draft) {
      if (!(await insertRow(sql, draft))) return await catalog.insert(draft);
      return { kind: 'inserted', record: (await catalog.find(draft.uploadId))! };
    },
    repeatCreate: async (uploadId) => {
      const record = await catalog.find(uploadId);
      return record?.state === 'PENDING' ? record : undefined;
    },
    saveMultipart: (uploadId, { s3UploadId, mustFinishByEpochMs = null }) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'UPLOADING', s3_upload_id = ${s3UploadId},
            must_finish_by = to_timestamp(${mustFinishByEpochMs}::float8 / 1000), updated_at = clock_timestamp()
          where document_id = ${uploadId} and (upload_state = 'PENDING') returning 1`,
      ),
    openWithoutMultipart: (uploadId) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'UPLOADING', updated_at = clock_timestamp()
          where document_id = ${uploadId} and (upload_state = 'PENDING') returning 1`,
      ),
    beginCompletion: (uploadId, { partsDigest, redriveAfterMs }) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = ${partsDigest},
            complete_sent_at = clock_timestamp(),
            next_attempt_at = clock_timestamp() + ${redriveAfterMs}::float8 * interval '1 millisecond',
            updated_at = clock_timestamp()
          where document_id = ${uploadId} and (upload_state = 'UPLOADING'
            or (upload_state = 'COMPLETING' and next_attempt_at <= clock_timestamp())) returning 1`,
      ),
    finishCompletion: (uploadId, epoch, { etag, versionId = null, proof }) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'COMPLETED', s3_etag = ${etag}, s3_version_id = ${versionId}, proof = ${proof},
            completed_at = clock_timestamp(), next_attempt_at = null, last_error = null, updated_at = clock_timestamp()
          where document_id = ${uploadId} and (upload_state = 'COMPLETING' and epoch = ${epoch}) returning 1`,
      ),
    refuseCompletion: (uploadId, epoch, { lastError }) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'UPLOADING', last_error = ${lastError},
            complete_sent_at = null, next_attempt_at = null, parts_digest = null,
            expires_at = greatest(expires_at, clock_timestamp() + idle_limit_ms * interval '1 millisecond'),
            updated_at = clock_timestamp()
          where document_id = ${uploadId} and (upload_state = 'COMPLETING' and epoch = ${epoch}) returning 1`,
      ),
    async postponeCompletion(uploadId, epoch, { lastError }) {
      await sql`
        update nodes set last_error = ${lastError}, updated_at = clock_timestamp()
        where document_id = ${uploadId} and (upload_state = 'COMPLETING' and epoch = ${epoch})`;
    },
    beginAbort: (uploadId) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'ABORTING', updated_at = clock_timestamp()
          where document_id = ${uploadId}
            and (upload_state in ('PENDING', 'UPLOADING') and complete_sent_at is null) returning 1`,
      ),
    finishAbort: (uploadId) =>
      changed(
        uploadId,
        sql`
          update nodes set upload_state = 'CANCELLED', updated_at = clock_timestamp()
          where document_id = ${uploadId} and (upload_state = 'ABORTING') returning 1`,
      ),
  };
}

/** Of uploads without fingerprint and encryption, which is what the races send. */
async function insertRow(sql: Sql, draft: UploadDraft): Promise<boolean> {
  const rows = await sql`
    insert into nodes (
      document_id, connector_id, owner, create_id, request_digest, name, bucket, s3_key, write_token,
      size_bytes, part_size_bytes, part_count, mode, content_type,
      metadata, resumable, idle_limit_ms,
      created_at, updated_at, expires_at
    )
    select
      ${draft.uploadId}::uuid, ${draft.connectorId}, ${draft.owner}, ${draft.createId}, ${draft.requestDigest},
      ${draft.name}, ${draft.bucket}, ${draft.s3Key}, ${draft.writeToken},
      ${boundsOf(draft.plan).endBytes}::bigint, ${draft.plan.partSizeBytes}::bigint, ${boundsOf(draft.plan).partCount}::int,
      ${draft.mode}, ${draft.contentType},
      ${JSON.stringify(draft.metadata)}::text::json, false, ${draft.idleLimitMs}::bigint,
      now, now, now + ${draft.idleLimitMs}::bigint * interval '1 millisecond'
    from clock_timestamp() as now
    on conflict do nothing
    returning 1`;
  return rows.length > 0;
}
