import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { CompletionOutcome, ProvedObject } from './completion-outcome.ts';
import type { UploadContext } from './context.ts';
import { forgetCustomerKey } from './customer-key.ts';
import { closedError } from './upload-answers.ts';

/** The row once an upload is complete; `undefined` while nobody can tell yet and it stays COMPLETING. */
export type CompletionEnd = UploadRecord | undefined;

/** Looks again soon at first: most answers that got lost are found at once. */
const FIRST_REDRIVE_MS = 1_000;
const LONGEST_REDRIVE_MS = 60_000;

/** How long to leave a completion alone whose end is not known. */
export function redriveAfterMs({ epoch }: UploadRecord): number {
  return Math.min(FIRST_REDRIVE_MS * 2 ** Math.max(0, epoch - 1), LONGEST_REDRIVE_MS);
}

/**
 * Writes down an outcome that is no refusal. Done: the row and its event. Unknown: it stays COMPLETING.
 *
 * @throws CoordinatorError `upload-failed` with a terminal one
 */
export async function settleCompletion(
  context: UploadContext,
  attempt: UploadRecord,
  outcome: Exclude<CompletionOutcome, { kind: 'refused' }>,
): Promise<CompletionEnd> {
  const { uploadId, epoch } = attempt;
  switch (outcome.kind) {
    case 'done':
      return await finishCompletion(context, attempt, outcome.object);
    case 'terminal':
      return await failCompletion(context, attempt, outcome);
    case 'unknown':
      await context.catalog.postponeCompletion(uploadId, epoch, {
        lastError: outcome.reason,
        redriveAfterMs: redriveAfterMs(attempt),
      });
      return undefined;
  }
}

/** COMPLETED in the catalog, unless another driver was faster: then its answer is the answer. */
async function finishCompletion(
  context: UploadContext,
  attempt: UploadRecord,
  object: ProvedObject,
): Promise<CompletionEnd> {
  const finished = await context.catalog.finishCompletion(attempt.uploadId, attempt.epoch, {
    etag: object.etag,
    ...(object.versionId !== undefined && { versionId: object.versionId }),
    proof: object.proof,
  });
  if (!finished) return await endByOthers(context, attempt.uploadId);
  await finishHot(context, finished);
  return finished;
}

async function failCompletion(
  context: UploadContext,
  attempt: UploadRecord,
  { lastError, quietForMs }: Extract<CompletionOutcome, { kind: 'terminal' }>,
): Promise<CompletionEnd> {
  const { uploadId, epoch } = attempt;
  const failed = await context.catalog.fail(uploadId, epoch, { lastError, quietForMs });
  if (!failed) {
    await context.catalog.postponeCompletion(uploadId, epoch, {
      lastError,
      redriveAfterMs: redriveAfterMs(attempt),
    });
    return await endByOthers(context, uploadId);
  }
  await finishHot(context, failed);
  throw new CoordinatorError(
    'upload-failed',
    `Upload ${uploadId} has failed, ${lastError}. Upload it again.`,
    { uploadId },
  );
}

/** The upload is over whether or not the state store and the vault can be told now; what they keep dies by itself. */
export async function finishHot(context: UploadContext, record: UploadRecord): Promise<void> {
  const { state, onError } = context;
  await forgetCustomerKey(context, record);
  if (record.mode !== 'multipart') return;
  const { uploadId, etag, versionId, completedAtEpochMs, lastError } = record;
  await state
    .finish(uploadId, {
      status: record.state,
      ...(etag !== undefined && { etag }),
      ...(versionId !== undefined && { versionId }),
      ...(completedAtEpochMs !== undefined && { completedAtEpochMs }),
      ...(lastError !== undefined && { error: lastError }),
    })
    .catch(onError);
}

/** What another driver made of the upload. */
export async function endByOthers(context: UploadContext, uploadId: string): Promise<CompletionEnd> {
  const record = await context.catalog.find(uploadId);
  if (record?.state === 'COMPLETED') return record;
  if (!record || record.state === 'COMPLETING' || record.state === 'UPLOADING') return undefined;
  throw closedError(uploadId, record.state);
}
