import {
  type Checksum,
  type CompleteRequest,
  type CompleteResponse,
  isComposite,
  type Receipt,
} from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import { completeMultipart } from './complete-multipart.ts';
import { completeWhole } from './complete-whole.ts';
import type { UploadContext } from './context.ts';
import { exchangeParts } from './exchange-parts.ts';
import type { CompletionEnd } from './finish-completion.ts';
import { closedError, completedAnswer, completingAnswer, findRecord } from './upload-answers.ts';
import { differ, etagOfMd5 } from './upload-checksum.ts';
import type { TokenClaims } from './upload-token.ts';
import { sizeMismatch, type WholeRecord, wholeOf } from './whole-record.ts';

/**
 * Completes an upload and waits for it, at most `answerWithinMs` (default: the setting): after that the work goes on and the answer is
 * COMPLETING. Asking again joins the work, or reads what came of it; a second complete gets the first answer, unless it is
 * of another content than it asked for.
 *
 * @throws CoordinatorError `size-mismatch`, `parts-missing`, `parts-differ`, `completion-refused`, `upload-failed`, or the refusal of an ended upload
 */
export async function completeUpload(
  context: UploadContext,
  caller: TokenClaims,
  asked: CompleteRequest = {},
  answerWithinMs: number = context.settings.completeAnswerWithinMs,
): Promise<CompleteResponse> {
  const { report = [] } = asked;
  if (report.length > 0) await takeReport(context, caller, report);
  const record = await findRecord(context, caller);
  const { state, uploadId } = record;
  if (state !== 'UPLOADING' && state !== 'COMPLETING' && state !== 'COMPLETED')
    throw closedError(uploadId, state);
  const whole = wholeOf(record, asked.sizeBytes);
  // An attempt that is under way has its own checksum written down; what is said now may be of other content.
  const wanted = state === 'UPLOADING' ? asTold(whole, asked) : whole;
  const over =
    state === 'COMPLETED' ? whole : await within(answerWithinMs, context, joinCompletion(context, wanted));
  if (!over) return completingAnswer();
  assertAsked(wholeOf(over), asked);
  return completedAnswer(context, over);
}

/** With what is told now of the whole. A composite that stands in the row is of a list that was refused. */
function asTold({ checksum, ...whole }: WholeRecord, asked: CompleteRequest): WholeRecord {
  const told = asked.checksum ?? (isComposite(checksum) ? undefined : checksum);
  return { ...whole, ...(told && { checksum: told }) };
}

/** An upload that takes no more reports needs none: what becomes of it is for its row to say. */
async function takeReport(
  context: UploadContext,
  caller: TokenClaims,
  report: readonly Receipt[],
): Promise<void> {
  await exchangeParts(context, caller, { report, sign: [] }).catch((error: unknown) => {
    if (!(error instanceof CoordinatorError) || !error.code.startsWith('upload-')) throw error;
  });
}

/** The object may have been made by a call that said something else of it: to whoever asked for another, that is no success. */
function assertAsked(record: WholeRecord, { sizeBytes, checksum }: CompleteRequest): void {
  const { uploadId, plan } = record;
  if (sizeBytes !== undefined && sizeBytes !== plan.sizeBytes)
    throw sizeMismatch({ uploadId, ...plan }, sizeBytes);
  if (checksum && isOther(record, checksum)) throw closedError(uploadId, 'COMPLETED');
}

/** Where nobody has told the composite, the ETags that were completed may still be made of the MD5s of parts. */
function isOther(record: WholeRecord, asked: Checksum): boolean {
  return differ(record.checksum, asked) ?? (isComposite(asked) && etagOfMd5(asked) !== record.partsDigest);
}

/** One completion of an upload at a time in this process; the epoch keeps those of other processes apart. */
export function joinCompletion(context: UploadContext, record: WholeRecord): Promise<CompletionEnd> {
  const running = context.completions.get(record.uploadId);
  if (running) return running;
  const completion = driveCompletion(context, record).finally(() =>
    context.completions.delete(record.uploadId),
  );
  context.completions.set(record.uploadId, completion);
  return completion;
}

async function driveCompletion(context: UploadContext, record: WholeRecord): Promise<CompletionEnd> {
  return record.mode === 'multipart'
    ? await completeMultipart(context, record)
    : await completeWhole(context, record);
}

/** `undefined` as well when it takes longer: it goes on then. */
async function within(
  answerWithinMs: number,
  context: UploadContext,
  completion: Promise<CompletionEnd>,
): Promise<CompletionEnd> {
  const timer = new AbortController();
  // Fails only when the timer was stopped, which happens after the race.
  const late = context.clock.sleep(answerWithinMs, timer.signal).catch(() => undefined);
  try {
    const over = await Promise.race([completion, late.then(() => undefined)]);
    if (!over) completion.catch(context.onError);
    return over;
  } finally {
    timer.abort();
  }
}
