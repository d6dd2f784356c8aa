import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import { ObjectStoreError, type PutOutcome } from '../ports/object-store.ts';
import { ABORT_REDRIVE_AFTER_MS, abortUpload, cancelReopened } from './abort-upload.ts';
import { type CompletionOutcome, judgeCompletion } from './completion-outcome.ts';
import type { UploadContext } from './context.ts';
import { type CompletionEnd, endByOthers, redriveAfterMs, settleCompletion } from './finish-completion.ts';
import { newObjectOf } from './new-object.ts';
import { type Proof, proveObject } from './prove-object.ts';
import { type WholeRecord, wholeOf } from './whole-record.ts';

/**
 * Completes an upload that travelled in one presigned PUT, or inside its create call: its proof is the object itself.
 *
 * @throws CoordinatorError `parts-missing` when nothing was stored yet, `completion-refused` when another object stands
 * there; ObjectStoreError when the store cannot say
 */
export async function completeWhole(context: UploadContext, record: WholeRecord): Promise<CompletionEnd> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'unknown') throw proof.error;
  if (record.state === 'UPLOADING' && proof.kind === 'absent') throw notStored(record);
  if (record.state === 'UPLOADING' && proof.kind === 'foreign') throw takenKey(record);
  const isReopening = record.mode === 'single' && proof.kind === 'absent';
  const outcome = judgeWhole(context, record, proof);
  // An attempt of our own would make the last one look new, and what is gone would never be given up.
  if (record.state === 'COMPLETING' && outcome.kind === 'terminal' && !isReopening) {
    return await settleCompletion(context, record, outcome);
  }
  const attempt = await begin(context, record);
  if (!attempt) return await endByOthers(context, record.uploadId);
  if (isReopening) return await reopenSingle(context, attempt);
  return await settleCompletion(context, attempt, outcome);
}

/** Completing a single PUT sends nothing to the store, so an object that is not there is none that may still appear. */
async function reopenSingle(context: UploadContext, attempt: UploadRecord): Promise<CompletionEnd> {
  const { uploadId, epoch } = attempt;
  const reopened = await context.catalog.refuseCompletion(uploadId, epoch, {
    lastError: 'the object is gone',
    attemptOverAfterMs: 0,
    redriveAfterMs: redriveAfterMs(attempt),
  });
  if (!reopened) return await endByOthers(context, uploadId);
  if (reopened.cancelRequested) return await cancelReopened(context, uploadId);
  throw notStored(attempt);
}

/** An inline payload that was sent and never appeared is lost once the time is over in which it could. */
function judgeWhole(
  { settings }: UploadContext,
  record: UploadRecord,
  proof: Proof,
  put?: PutOutcome,
): Exclude<CompletionOutcome, { kind: 'refused' }> {
  const reason = put?.kind === 'unknown' ? put.reason : 'the content was sent';
  const outcome = judgeCompletion({
    answer: { kind: 'unknown', reason },
    proof,
    sizeBytes: wholeOf(record).plan.sizeBytes,
    // What was put without a multipart upload is listed nowhere: only the key tells.
    isGone: put === undefined,
    goneAfterMs: settings.goneAfterMs,
  });
  if (outcome.kind === 'refused') throw new TypeError('a PUT cannot be refused as a Complete can');
  return outcome;
}

function notStored({ uploadId }: UploadRecord): CoordinatorError {
  return new CoordinatorError(
    'parts-missing',
    `The content of upload ${uploadId} was not stored yet. Send it and complete again.`,
    { uploadId, missingParts: [1] },
  );
}

function notYetStored({ uploadId }: UploadRecord): CoordinatorError {
  return new CoordinatorError(
    'store-unreachable',
    `The store did not say whether it has the content of upload ${uploadId}. Repeat the create call with the same createId.`,
    { uploadId, retryAfterSeconds: 2 },
  );
}

function takenKey({ uploadId }: UploadRecord): CoordinatorError {
  return new CoordinatorError(
    'completion-refused',
    `At the key of upload ${uploadId} stands an object that is not its own. Cancel it and create a new upload.`,
    { uploadId },
  );
}

/**
 * Writes an inline payload and completes it. A repeat finds the object of the first time by its write token, or writes
 * it again: only who has the payload can.
 *
 * @throws CoordinatorError `payload-mismatch` when the store computes another checksum, `upload-failed` when it holds another
 * size, `store-unreachable` when nobody can tell whether the store has the payload
 */
export async function completeInline(
  context: UploadContext,
  record: UploadRecord,
  payload: Uint8Array,
): Promise<UploadRecord> {
  const current = await openInline(context, record);
  if (current.state !== 'UPLOADING' && current.state !== 'COMPLETING') return current;
  const outcome = await putInline(context, current, payload);
  const versionId = outcome.kind === 'stored' ? outcome.versionId : undefined;
  const proof = await proveObject(context, current, versionId);
  const attempt = await begin(context, current);
  const over = attempt
    ? await settleCompletion(context, attempt, judgeWhole(context, attempt, proof, outcome))
    : await endByOthers(context, current.uploadId);
  const end = over ?? (await context.catalog.find(current.uploadId)) ?? current;
  if (end.state === 'COMPLETING') throw notYetStored(end);
  return end;
}

async function putInline(
  context: UploadContext,
  record: UploadRecord,
  payload: Uint8Array,
): Promise<PutOutcome> {
  const { checksum } = record;
  try {
    return await context.objectStore.putObject({
      ...newObjectOf(record),
      ...(checksum && { checksum }),
      body: payload,
    });
  } catch (error) {
    if (!(error instanceof ObjectStoreError) || error.s3Code !== 'BadDigest') throw error;
    throw await endDamaged(context, record, error);
  }
}

/** Its checksum fits no other payload either, so that nothing can come of this upload. */
async function endDamaged(
  context: UploadContext,
  { uploadId, checksum }: UploadRecord,
  error: ObjectStoreError,
): Promise<CoordinatorError> {
  const intent = { to: 'CANCELLED', redriveAfterMs: ABORT_REDRIVE_AFTER_MS } as const;
  const aborting = await context.catalog.beginAbort(uploadId, intent);
  if (aborting) await abortUpload(context, aborting);
  return new CoordinatorError(
    'payload-mismatch',
    `The payload has another ${checksum?.algorithm ?? 'digest'} than checksum says, as the store has found. Create it again, by a new createId.`,
    { uploadId, ...(error.s3Code !== undefined && { s3Code: error.s3Code }) },
    error,
  );
}

/** The row before its payload is put. Ending it has to outwait that: of the first PUT, the time of the create is known. */
async function openInline({ catalog }: UploadContext, record: UploadRecord): Promise<UploadRecord> {
  const { uploadId } = record;
  const opened = record.state === 'PENDING' && (await catalog.openWithoutMultipart(uploadId));
  if (opened) return opened;
  await catalog.recordGrant(uploadId, { expiresInSeconds: 1 });
  return (await catalog.find(uploadId)) ?? record;
}

async function begin(context: UploadContext, record: UploadRecord): Promise<UploadRecord | undefined> {
  return await context.catalog.beginCompletion(record.uploadId, {
    partsDigest: '',
    redriveAfterMs: context.settings.completionRedriveAfterMs,
    ...(record.checksum && { checksum: record.checksum }),
  });
}
