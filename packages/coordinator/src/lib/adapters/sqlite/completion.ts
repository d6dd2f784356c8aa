import type { Catalog, UploadRecord } from '../../ports/catalog.ts';
import { attempt, changeRow, type Edit } from './rows.ts';
import { CLOCK_MS, type SqliteDatabase } from './sqlite-database.ts';

type Completion = Pick<
  Catalog,
  'beginCompletion' | 'finishCompletion' | 'reopen' | 'noteError' | 'fail' | 'requestCancel'
>;

/** The catalog's part in completing an upload. Every change by a driver but the first is refused once the epoch moved. */
export function completionOf(database: SqliteDatabase): Completion {
  const change = (deed: string, uploadId: string, edit: Edit): Promise<UploadRecord | undefined> =>
    attempt(deed, () => changeRow(database, uploadId, edit));
  const changeAtEpoch = (
    deed: string,
    uploadId: string,
    epoch: number,
    edit: Omit<Edit, 'where'>,
  ): Promise<UploadRecord | undefined> =>
    change(deed, uploadId, { ...AT_EPOCH, set: edit.set, values: { epoch, ...edit.values } });

  return {
    beginCompletion: (uploadId, { partsDigest, redriveAfterMs }) =>
      change('begin a completion', uploadId, { ...BEGIN, values: { partsDigest, redriveAfterMs } }),
    finishCompletion: (uploadId, epoch, { etag, versionId = null, proof }) =>
      changeAtEpoch('finish a completion', uploadId, epoch, {
        set: `upload_state = 'COMPLETED', s3_etag = :etag, s3_version_id = :versionId, proof = :proof,
          completed_at = ${CLOCK_MS}, next_attempt_at = NULL, last_error = NULL`,
        values: { etag, versionId, proof },
      }),
    reopen: (uploadId, epoch, lastError) =>
      changeAtEpoch('reopen an upload', uploadId, epoch, { set: REOPEN, values: { lastError } }),
    noteError: async (uploadId, epoch, lastError) => {
      const set = 'last_error = :lastError';
      await changeAtEpoch('note an error', uploadId, epoch, { set, values: { lastError } });
    },
    fail: (uploadId, epoch, lastError) =>
      changeAtEpoch('fail an upload', uploadId, epoch, {
        set: "upload_state = 'FAILED', last_error = :lastError, next_attempt_at = NULL",
        values: { lastError },
      }),
    requestCancel: async (uploadId) => {
      const set = 'cancel_requested = 1';
      await change('remember a cancel', uploadId, { set, where: "upload_state = 'COMPLETING'" });
    },
  };
}

const AT_EPOCH = { where: "upload_state = 'COMPLETING' AND epoch = :epoch" };

const BEGIN = {
  set: `upload_state = 'COMPLETING', epoch = epoch + 1, parts_digest = :partsDigest,
    complete_sent_at = ${CLOCK_MS}, next_attempt_at = ${CLOCK_MS} + :redriveAfterMs`,
  where: `upload_state = 'UPLOADING' OR (upload_state = 'COMPLETING' AND next_attempt_at <= ${CLOCK_MS})`,
};

// Another upload of the same content may have been opened while this one was completing: it keeps the resume key.
const REOPEN = `upload_state = 'UPLOADING', last_error = :lastError,
  complete_sent_at = NULL, next_attempt_at = NULL, parts_digest = NULL,
  expires_at = max(expires_at, ${CLOCK_MS} + idle_limit_ms),
  resume_key = CASE WHEN EXISTS (
    SELECT 1 FROM nodes AS other
    WHERE other.owner = nodes.owner AND other.resume_key = nodes.resume_key
      AND other.upload_state IN ('PENDING', 'UPLOADING')
  ) THEN NULL ELSE resume_key END`;
