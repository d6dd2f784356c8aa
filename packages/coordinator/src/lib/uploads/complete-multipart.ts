import { createHash } from 'node:crypto';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/catalog.ts';
import type { StoredPart } from '../ports/object-store.ts';
import { cancelReopened } from './abort-upload.ts';
import type { UploadContext } from './context.ts';
import { type CompletionEnd, endByOthers, finishCompletion, settleByProof } from './finish-completion.ts';
import { isOpenAtStore, listFittingParts, type OpenRecord, rebuildHot } from './hot-state.ts';
import { proveObject } from './prove-object.ts';
import { closedError } from './upload-answers.ts';

/** Most part numbers that one refusal names. */
const MAX_NAMED_PARTS = 1_000;

/**
 * Completes a multipart upload: freeze the list, write the attempt down, send it once, prove, write the end down.
 * Each step is safe to run again by anyone.
 *
 * @throws CoordinatorError `parts-missing` before anything is sent, `completion-refused` when the store says no
 */
export async function completeMultipart(
  context: UploadContext,
  record: UploadRecord,
): Promise<CompletionEnd> {
  if (!isOpenAtStore(record)) throw closedError(record.uploadId, record.state);
  return record.state === 'COMPLETING'
    ? await driveAgain(context, record)
    : await sendAttempt(context, record, await collectParts(context, record));
}

/** An earlier attempt has no known end: look before anything is sent again. */
async function driveAgain(context: UploadContext, record: OpenRecord): Promise<CompletionEnd> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'ours' || proof.kind === 'wrong-size') {
    const claimed = await context.catalog.beginCompletion(
      record.uploadId,
      attemptOf(context, record.partsDigest ?? ''),
    );
    return claimed
      ? await settleByProof(context, claimed, proof, '')
      : await endByOthers(context, record.uploadId);
  }
  const parts = await collectParts(context, record).catch(missingPartsOnly);
  // The parts are gone and no object is there to see: only time, or a person, can tell. It stays COMPLETING.
  return parts && (await sendAttempt(context, record, parts));
}

function missingPartsOnly(error: unknown): undefined {
  if (error instanceof CoordinatorError && error.code === 'parts-missing') return undefined;
  throw error;
}

async function sendAttempt(
  context: UploadContext,
  record: OpenRecord,
  parts: readonly StoredPart[],
): Promise<CompletionEnd> {
  const attempt = await context.catalog.beginCompletion(record.uploadId, attemptOf(context, digestOf(parts)));
  if (!attempt) return await endByOthers(context, record.uploadId);
  // The attempt is written down and has to be made: a state store that fails now costs nobody anything.
  await context.state.setStatus(record.uploadId, 'COMPLETING').catch(context.onError);
  const outcome = await context.objectStore.completeMultipartUpload({
    key: record.s3Key,
    s3UploadId: record.s3UploadId,
    parts,
    sizeBytes: record.plan.sizeBytes,
  });
  const versionId = outcome.kind === 'stored' ? outcome.versionId : undefined;
  const proof = await proveObject(context, attempt, versionId);
  if (outcome.kind === 'stored' && proof.kind === 'ours') {
    return await finishCompletion(context, attempt, { ...proof.object, ...outcome });
  }
  const isOurs = proof.kind === 'ours' || proof.kind === 'wrong-size';
  // Only while no earlier attempt is unresolved does a refusal mean that nothing was built.
  if (outcome.kind === 'refused' && !isOurs && record.state === 'UPLOADING')
    return await reopen(context, attempt, outcome);
  const reason = outcome.kind === 'unknown' ? outcome.reason : `the store answered ${outcome.kind}`;
  return await settleByProof(context, attempt, proof, reason);
}

/** Back to UPLOADING, with the parts that the store really has: what was reported of them was not good enough. */
async function reopen(
  context: UploadContext,
  attempt: UploadRecord,
  refusal: { readonly s3Code: string; readonly message: string },
): Promise<CompletionEnd> {
  const { uploadId, epoch } = attempt;
  const reopened = await context.catalog.reopen(uploadId, epoch, `${refusal.s3Code}: ${refusal.message}`);
  // Another driver is at it, and knows more than this refusal.
  if (!reopened) return await endByOthers(context, uploadId);
  await context.state.remove(uploadId);
  if (reopened.cancelRequested) await cancelReopened(context, uploadId);
  if (isOpenAtStore(reopened)) await rebuildHot(context, reopened);
  throw new CoordinatorError(
    'completion-refused',
    `The store refused to complete upload ${attempt.uploadId}: ${refusal.s3Code}, ${refusal.message} ` +
      'Create it again with the same createId to learn which parts it has, send the others, and complete again.',
    { uploadId: attempt.uploadId, s3Code: refusal.s3Code },
  );
}

/**
 * The frozen list: every part of the plan once, in order. Our own record is the list; what it lacks is looked for in the
 * store's listing first.
 */
async function collectParts(context: UploadContext, record: OpenRecord): Promise<readonly StoredPart[]> {
  const known = await context.state.parts(record.uploadId);
  if (known.length === record.plan.partCount) return known;
  const byNumber = new Map<number, StoredPart>();
  for (const part of (await listFittingParts(context, record)) ?? []) byNumber.set(part.partNumber, part);
  for (const part of known) byNumber.set(part.partNumber, part);
  const { partCount } = record.plan;
  const parts = Array.from({ length: partCount }, (_, index) => byNumber.get(index + 1));
  const missingParts = parts.flatMap((part, index) => (part ? [] : [index + 1]));
  if (missingParts.length > 0) throw partsMissing(record, missingParts);
  return parts.flatMap((part) => part ?? []);
}

function partsMissing(record: UploadRecord, missingParts: readonly number[]): CoordinatorError {
  return new CoordinatorError(
    'parts-missing',
    `Upload ${record.uploadId} lacks ${missingParts.length} of its ${record.plan.partCount} parts. Send them and complete again.`,
    { uploadId: record.uploadId, missingParts: missingParts.slice(0, MAX_NAMED_PARTS) },
  );
}

function attemptOf(
  { settings }: UploadContext,
  partsDigest: string,
): { partsDigest: string; redriveAfterMs: number } {
  return { partsDigest, redriveAfterMs: settings.completionRedriveAfterMs };
}

function digestOf(parts: readonly StoredPart[]): string {
  const lines = parts.map((part) => `${part.partNumber} ${part.etag} ${part.sizeBytes}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex');
}
