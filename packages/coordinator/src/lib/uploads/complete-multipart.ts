import { isComposite } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { CompleteOutcome, StoredPart } from '../ports/object-store.ts';
import { cancelReopened } from './abort-upload.ts';
import { type Adoption, adoptParts, collectParts, partsDiffer, partsMissing } from './collect-parts.ts';
import { type CompletionOutcome, judgeCompletion } from './completion-outcome.ts';
import type { UploadContext } from './context.ts';
import { customerKeyOf, findCustomerKey, type WithCustomerKey } from './customer-key.ts';
import { type CompletionEnd, endByOthers, redriveAfterMs, settleCompletion } from './finish-completion.ts';
import {
  adoptHot,
  doubtHot,
  isOpenAtStore,
  listFittingParts,
  type OpenRecord,
  restoreHot,
} from './hot-state.ts';
import { partsDigestOf } from './parts-digest.ts';
import { proveObject } from './prove-object.ts';
import { closedError } from './upload-answers.ts';
import { checksumBy, checksumOfParts, declaredAlgorithm, differ } from './upload-checksum.ts';
import { type WholeRecord, wholeOf } from './whole-record.ts';

type OpenWhole = OpenRecord & WholeRecord;
type Refusal = Extract<CompletionOutcome, { kind: 'refused' }>;

/**
 * Completes a multipart upload: freeze the list, write the attempt down, send it once, prove, write the end down.
 * Each step is safe to run again by anyone.
 *
 * @throws CoordinatorError `parts-missing` before anything is sent or when parts were not what was reported, `parts-differ`
 * when they are another content than the client has told of, `completion-refused` when the store says no to parts that are all there
 */
export async function completeMultipart(context: UploadContext, record: WholeRecord): Promise<CompletionEnd> {
  if (!isOpenAtStore(record)) throw closedError(record.uploadId, record.state);
  return record.state === 'COMPLETING' ? await driveAgain(context, record) : await sendFirst(context, record);
}

/**
 * Freezes what is there, if it is what its client has sent: two contents with equal samples are one upload, and whoever
 * sends the other may have put parts of it here.
 */
async function sendFirst(context: UploadContext, record: OpenWhole): Promise<CompletionEnd> {
  const parts = await collectParts(context, record);
  const made = checksumOfParts(record, parts);
  const isTold = isToldOf(parts);
  // A client that sees no ETags tells no composite; of one part it may tell an MD5 that the ETag is not.
  const isComparable = isTold || made?.algorithm !== 'MD5' || isComposite(made);
  if (isComparable && differ(record.checksum, made)) throw partsDiffer(record);
  const checksum = record.checksum ?? (isTold ? made : undefined);
  return await sendAttempt(context, { ...record, ...(checksum && { checksum }) }, parts);
}

/** Clients have told the MD5 of each: together they are as good as one of the whole. */
function isToldOf(parts: readonly StoredPart[]): boolean {
  return parts.every(({ isListed, checksum }) => !isListed && checksumBy('MD5', checksum));
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
  return parts && isSameContent(record, parts)
    ? await sendAttempt(context, record, parts)
    : await giveUpAttempt(context, record, parts);
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
  const key = await keyForComplete(context, record);
  const attempt = await begin(context, record, partsDigestOf(parts));
  if (!attempt) return await endByOthers(context, record.uploadId);
  const { sizeBytes } = record.plan;
  const answer = await askForObject(context, record, parts, key);
  const proof = await proveObject(context, attempt, answer.kind === 'stored' ? answer.versionId : undefined);
  const { goneAfterMs } = context.settings;
  return await settle(context, attempt, judgeCompletion({ answer, proof, sizeBytes, goneAfterMs }), parts);
}

/**
 * Some stores want the key for Complete as well. Whoever completes is asked for one that is kept no more; who drives an
 * attempt on tries without.
 */
async function keyForComplete(context: UploadContext, record: OpenWhole): Promise<WithCustomerKey> {
  const find = record.state === 'COMPLETING' ? findCustomerKey : customerKeyOf;
  return await find(context, record, 'complete');
}

/** Sends Complete, with every checksum that is known of an upload that was begun with them. */
async function askForObject(
  { objectStore }: UploadContext,
  record: OpenWhole,
  parts: readonly StoredPart[],
  key: WithCustomerKey,
): Promise<CompleteOutcome> {
  const declared = declaredAlgorithm(record);
  const whole = checksumBy(declared, record.checksum) ?? (declared && checksumOfParts(record, parts));
  return await objectStore.completeMultipartUpload({
    key: record.s3Key,
    s3UploadId: record.s3UploadId,
    parts: parts.map(({ partNumber, sizeBytes, etag, checksum }) => {
      const known = checksumBy(declared, checksum);
      return { partNumber, sizeBytes, etag, ...(known && { checksum: known }) };
    }),
    sizeBytes: record.plan.sizeBytes,
    ...(whole && { checksum: whole }),
    ...key,
  });
}

/**
 * Whether a list is, by its ETags or by its checksums, the one that was frozen. Hot state may have taken parts of an
 * edited file since: then nobody has asked for what the two make together.
 */
function isSameContent(frozen: UploadRecord, parts: readonly StoredPart[]): boolean {
  if (partsDigestOf(parts) === frozen.partsDigest) return true;
  return differ(frozen.checksum, checksumOfParts(frozen, parts)) === false;
}

/**
 * The store still has the upload, but parts of it are lost or were replaced, and an attempt has no known end. Nothing is
 * sent: this counts as an attempt that was refused, so that the upload goes back to its client once the unknown one is over.
 */
async function giveUpAttempt(
  context: UploadContext,
  record: OpenWhole,
  replaced: readonly StoredPart[] = [],
): Promise<CompletionEnd> {
  const attempt = await begin(context, record, record.partsDigest ?? '');
  if (!attempt) return await endByOthers(context, record.uploadId);
  // Before the row can open: whoever waits asks again at once.
  if (replaced.length > 0) await doubtHot(context, record, replaced);
  const refusal = {
    kind: 'refused',
    s3Code: 'InvalidPart',
    message: 'Parts are missing or replaced.',
  } as const;
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
  if (parts.length === 0) return await settleGivenUp(context, reopened, attempt);
  const adopted = adoptParts(parts, (await listFittingParts(context, reopened)) ?? []);
  await adoptHot(context, reopened, adopted.parts);
  if (adopted.missingParts.length > 0) throw partsMissing(reopened, adopted.missingParts);
  const isOtherList = partsDigestOf(adopted.parts) !== attempt.partsDigest;
  if (isOtherList) return await sendAttempt(context, reopened, adopted.parts);
  if (refusal.s3Code === 'BadDigest') return await settleWrongWhole(context, reopened, adopted, refusal);
  throw refused(reopened, refusal);
}

/** Back to its client without anything sent: which parts were replaced nobody can tell. */
async function settleGivenUp(
  context: UploadContext,
  reopened: OpenWhole,
  frozen: UploadRecord,
): Promise<CompletionEnd> {
  await restoreHot(context, reopened, []);
  const parts = await collectParts(context, reopened);
  if (isSameContent(frozen, parts)) return await sendAttempt(context, reopened, parts);
  throw partsMissing(
    reopened,
    parts.map(({ partNumber }) => partNumber),
  );
}

/**
 * The parts do not make the whole that the client has told. Those that nobody has reported may be of another content and
 * are to be sent again. Where every part is what was reported, nothing that is sent again would help.
 */
async function settleWrongWhole(
  context: UploadContext,
  record: OpenWhole,
  { parts, isProved }: Adoption,
  refusal: Refusal,
): Promise<CompletionEnd> {
  const unreported = parts.filter((part) => part.isListed).map((part) => part.partNumber);
  if (unreported.length > 0) throw partsMissing(record, unreported);
  if (!isProved) throw refused(record, refusal);
  const attempt = await begin(context, record, partsDigestOf(parts));
  if (!attempt) return await endByOthers(context, record.uploadId);
  const lastError = 'integrity: every part agrees with its checksum, and the whole does not';
  return await settleCompletion(context, attempt, { kind: 'terminal', lastError, quietForMs: 0 });
}

function refused({ uploadId }: UploadRecord, { s3Code }: Refusal): CoordinatorError {
  return new CoordinatorError(
    'completion-refused',
    `The store refused to complete upload ${uploadId}: ${s3Code}. ` +
      'Create it again with the same createId to learn which parts it has, send the others, and complete again.',
    { uploadId, s3Code },
  );
}

async function begin(
  { catalog, state, settings, onError }: UploadContext,
  { uploadId, checksum, plan: { sizeBytes, partCount } }: WholeRecord,
  partsDigest: string,
): Promise<UploadRecord | undefined> {
  const attempt = await catalog.beginCompletion(uploadId, {
    partsDigest,
    size: { sizeBytes, partCount },
    redriveAfterMs: settings.completionRedriveAfterMs,
    ...(checksum && { checksum }),
  });
  // The attempt is written down and has to be made: a state store that fails now costs nobody anything.
  if (attempt) await state.setStatus(uploadId, 'COMPLETING').catch(onError);
  return attempt;
}
