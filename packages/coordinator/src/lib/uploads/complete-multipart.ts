import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { StoredPart } from '../ports/object-store.ts';
import { cancelReopened } from './abort-upload.ts';
import { adoptParts, collectParts, partsMissing } from './collect-parts.ts';
import { type CompletionOutcome, judgeCompletion } from './completion-outcome.ts';
import type { UploadContext } from './context.ts';
import { type CompletionEnd, endByOthers, redriveAfterMs, settleCompletion } from './finish-completion.ts';
import { adoptHot, isOpenAtStore, listFittingParts, type OpenRecord } from './hot-state.ts';
import { partsDigestOf } from './parts-digest.ts';
import { proveObject } from './prove-object.ts';
import { closedError } from './upload-answers.ts';
import { type WholeRecord, wholeOf } from './whole-record.ts';

type OpenWhole = OpenRecord & WholeRecord;
type Refusal = Extract<CompletionOutcome, { kind: 'refused' }>;

/**
 * Completes a multipart upload: freeze the list, write the attempt down, send it once, prove, write the end down.
 * Each step is safe to run again by anyone.
 *
 * @throws CoordinatorError `parts-missing` before anything is sent or when parts were not what was reported,
 * `completion-refused` when the store says no to parts that are all there
 */
export async function completeMultipart(context: UploadContext, record: WholeRecord): Promise<CompletionEnd> {
  if (!isOpenAtStore(record)) throw closedError(record.uploadId, record.state);
  return record.state === 'COMPLETING'
    ? await driveAgain(context, record)
    : await sendAttempt(context, record, await collectParts(context, record));
}

/** An earlier attempt has no known end: look before anything is sent again. */
async function driveAgain(context: UploadContext, record: OpenWhole): Promise<CompletionEnd> {
  const proof = await proveObject(context, record);
  const evidence = { proof, sizeBytes: record.plan.sizeBytes, goneAfterMs: context.settings.goneAfterMs };
  const seen = judgeCompletion(evidence);
  const isTheirTurn = (record.nextAttemptAtEpochMs ?? 0) > context.clock.nowEpochMs();
  // A proof is a proof, whoever holds the attempt; without one, whoever holds it gets its time.
  if (seen.kind === 'unknown' && isTheirTurn) return undefined;
  if (seen.kind !== 'unknown' || proof.kind === 'unknown') return await settle(context, record, seen, []);
  const listed = await listFittingParts(context, record);
  if (!listed) return await settle(context, record, judgeCompletion({ ...evidence, isGone: true }), []);
  const parts = await collectParts(context, record, listed).catch(missingPartsOnly);
  return parts ? await sendAttempt(context, record, parts) : await giveUpAttempt(context, record);
}

function missingPartsOnly(error: unknown): undefined {
  if (error instanceof CoordinatorError && error.code === 'parts-missing') return undefined;
  throw error;
}

async function sendAttempt(
  context: UploadContext,
  record: OpenWhole,
  parts: readonly StoredPart[],
): Promise<CompletionEnd> {
  const attempt = await begin(context, record, partsDigestOf(parts));
  if (!attempt) return await endByOthers(context, record.uploadId);
  // The attempt is written down and has to be made: a state store that fails now costs nobody anything.
  await context.state.setStatus(record.uploadId, 'COMPLETING').catch(context.onError);
  const { sizeBytes } = record.plan;
  const answer = await context.objectStore.completeMultipartUpload({
    key: record.s3Key,
    s3UploadId: record.s3UploadId,
    // Begun without an algorithm, so the store wants no checksums; those that we know are our own.
    parts: parts.map(({ partNumber, sizeBytes: partBytes, etag }) => ({
      partNumber,
      sizeBytes: partBytes,
      etag,
    })),
    sizeBytes,
  });
  const proof = await proveObject(context, attempt, answer.kind === 'stored' ? answer.versionId : undefined);
  const { goneAfterMs } = context.settings;
  return await settle(context, attempt, judgeCompletion({ answer, proof, sizeBytes, goneAfterMs }), parts);
}

/**
 * The store still has the upload, but parts of it are lost, and an attempt has no known end. Nothing is sent: this
 * counts as an attempt that was refused, so that the upload goes back to its client once the unknown one is over.
 */
async function giveUpAttempt(context: UploadContext, record: OpenWhole): Promise<CompletionEnd> {
  const attempt = await begin(context, record, record.partsDigest ?? '');
  if (!attempt) return await endByOthers(context, record.uploadId);
  const refusal = { kind: 'refused', s3Code: 'InvalidPart', message: 'Parts are missing.' } as const;
  return await settle(context, attempt, refusal, []);
}

async function settle(
  context: UploadContext,
  attempt: UploadRecord,
  outcome: CompletionOutcome,
  parts: readonly StoredPart[],
): Promise<CompletionEnd> {
  return outcome.kind === 'refused'
    ? await settleRefusal(context, attempt, outcome, parts)
    : await settleCompletion(context, attempt, outcome);
}

/**
 * Back to UPLOADING, unless an earlier attempt may still build the object. Parts that are what they were, but for their
 * ETag, are adopted and completed at once; the client is told of the others.
 */
async function settleRefusal(
  context: UploadContext,
  attempt: UploadRecord,
  refusal: Refusal,
  parts: readonly StoredPart[],
): Promise<CompletionEnd> {
  const { uploadId, epoch } = attempt;
  const row = await context.catalog.refuseCompletion(uploadId, epoch, {
    lastError: `${refusal.s3Code}: ${refusal.message}`,
    attemptOverAfterMs: context.settings.attemptOverAfterMs,
    redriveAfterMs: redriveAfterMs(attempt),
  });
  // Another driver is at it, and knows more than this refusal.
  if (!row) return await endByOthers(context, uploadId);
  const reopened = wholeOf(row);
  if (reopened.state === 'COMPLETING' || !isOpenAtStore(reopened)) return undefined;
  if (reopened.cancelRequested) return await cancelReopened(context, uploadId);
  if (parts.length === 0) return await sendAttempt(context, reopened, await collectParts(context, reopened));
  const adopted = adoptParts(parts, (await listFittingParts(context, reopened)) ?? []);
  await adoptHot(context, reopened, adopted.parts);
  if (adopted.missingParts.length > 0) throw partsMissing(reopened, adopted.missingParts);
  const isOtherList = partsDigestOf(adopted.parts) !== attempt.partsDigest;
  if (isOtherList) return await sendAttempt(context, reopened, adopted.parts);
  throw new CoordinatorError(
    'completion-refused',
    `The store refused to complete upload ${uploadId}: ${refusal.s3Code}. ` +
      'Create it again with the same createId to learn which parts it has, send the others, and complete again.',
    { uploadId, s3Code: refusal.s3Code },
  );
}

async function begin(
  { catalog, settings }: UploadContext,
  { uploadId, plan: { sizeBytes, partCount } }: WholeRecord,
  partsDigest: string,
): Promise<UploadRecord | undefined> {
  return await catalog.beginCompletion(uploadId, {
    partsDigest,
    size: { sizeBytes, partCount },
    redriveAfterMs: settings.completionRedriveAfterMs,
  });
}
