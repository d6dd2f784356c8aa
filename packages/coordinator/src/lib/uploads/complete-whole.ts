import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/catalog.ts';
import { ObjectStoreError, type PutOutcome } from '../ports/object-store.ts';
import { cancelReopened } from './abort-upload.ts';
import { type CompletionOutcome, judgeCompletion } from './completion-outcome.ts';
import type { UploadContext } from './context.ts';
import { type CompletionEnd, endByOthers, redriveAfterMs, settleCompletion } from './finish-completion.ts';
import { objectMetadata } from './object-metadata.ts';
import { type Proof, proveObject } from './prove-object.ts';

/**
 * Completes an upload that travelled in one presigned PUT, or inside its create call: its proof is the object itself.
 *
 * @throws CoordinatorError `parts-missing` when nothing was stored yet, `completion-refused` when another object stands
 * there; ObjectStoreError when the store cannot say
 */
export async function completeWhole(context: UploadContext, record: UploadRecord): Promise<CompletionEnd> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'unknown') throw proof.error;
  if (record.state === 'UPLOADING' && proof.kind === 'absent') throw notStored(record);
  if (record.state === 'UPLOADING' && proof.kind === 'foreign') throw takenKey(record);
  const attempt = await begin(context, record);
  if (!attempt) return await endByOthers(context, record.uploadId);
  if (record.mode === 'single' && proof.kind === 'absent') return await reopenSingle(context, attempt);
  return await settleCompletion(context, attempt, judgeWhole(context, attempt, proof));
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
  if (reopened.cancelRequested) await cancelReopened(context, uploadId);
  throw notStored(attempt);
}

/** An inline payload that was sent and never appeared is lost once the time is over in which it could. */
function judgeWhole(
  { settings }: UploadContext,
  { plan }: UploadRecord,
  proof: Proof,
  put?: PutOutcome,
): Exclude<CompletionOutcome, { kind: 'refused' }> {
  const reason = put?.kind === 'unknown' ? put.reason : 'the content was sent';
  const outcome = judgeCompletion({
    answer: { kind: 'unknown', reason },
    proof,
    sizeBytes: plan.sizeBytes,
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

function takenKey({ uploadId }: UploadRecord): CoordinatorError {
  return new CoordinatorError(
    'completion-refused',
    `At the key of upload ${uploadId} stands an object that is not its own. Cancel it and create a new upload.`,
    { uploadId },
  );
}

/**
 * Writes an inline payload and completes it. A repeat finds the object of the first time by its write token.
 *
 * @throws CoordinatorError `upload-failed` when the store holds another size; ObjectStoreError when nobody can tell
 * whether the content has arrived: repeat the create
 */
export async function completeInline(
  context: UploadContext,
  record: UploadRecord,
  payload: Uint8Array,
): Promise<UploadRecord> {
  const open =
    record.state === 'PENDING' ? await context.catalog.openWithoutMultipart(record.uploadId) : record;
  const current = open ?? (await context.catalog.find(record.uploadId)) ?? record;
  if (current.state !== 'UPLOADING' && current.state !== 'COMPLETING') return current;
  // Ending it has to outwait this PUT; for the first one the time of the create is known.
  if (!open || record.state !== 'PENDING')
    await context.catalog.recordGrant(current.uploadId, { expiresInSeconds: 1 });
  const { outcome, proof } = await putPayload(context, current, payload);
  const attempt = await begin(context, current);
  const over = attempt
    ? await settleCompletion(context, attempt, judgeWhole(context, attempt, proof, outcome))
    : await endByOthers(context, current.uploadId);
  return over ?? (await context.catalog.find(current.uploadId)) ?? current;
}

/** Only a repeated create can bring the content again: an upload that waited in COMPLETING for it would wait in vain. */
async function putPayload(
  context: UploadContext,
  record: UploadRecord,
  payload: Uint8Array,
): Promise<{ outcome: PutOutcome; proof: Proof }> {
  const outcome = await context.objectStore.putObject({
    key: record.s3Key,
    contentType: record.contentType,
    metadata: objectMetadata(record),
    ...(record.encryption && { encryption: record.encryption }),
    body: payload,
  });
  const versionId = outcome.kind === 'stored' ? outcome.versionId : undefined;
  const proof = await proveObject(context, record, versionId);
  if (outcome.kind === 'unknown' && proof.kind !== 'ours' && proof.kind !== 'wrong-size')
    throw new ObjectStoreError('unreachable', `PUT of ${record.s3Key}: ${outcome.reason}`);
  return { outcome, proof };
}

async function begin(context: UploadContext, record: UploadRecord): Promise<UploadRecord | undefined> {
  return await context.catalog.beginCompletion(record.uploadId, {
    partsDigest: '',
    redriveAfterMs: context.settings.completionRedriveAfterMs,
  });
}
