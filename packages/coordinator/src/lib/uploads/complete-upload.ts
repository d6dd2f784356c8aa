import type { CompleteRequest, CompleteResponse, Receipt } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import { completeMultipart } from './complete-multipart.ts';
import { completeWhole } from './complete-whole.ts';
import type { UploadContext } from './context.ts';
import { exchangeParts } from './exchange-parts.ts';
import { closedError, completedAnswer, completingAnswer, findRecord } from './upload-answers.ts';
import { checksumBy } from './upload-checksum.ts';
import type { TokenClaims } from './upload-token.ts';
import { sizeMismatch, type WholeRecord, wholeOf } from './whole-record.ts';

/**
 * Completes an upload and waits for it, at most `answerWithinMs` (default: the setting): after that the work goes on and the answer is
 * COMPLETING. Asking again joins the work, or reads what came of it; a second complete gets the first answer, unless it is
 * of another content than it asked for.
 *
 * @throws CoordinatorError `size-mismatch`, `parts-missing`, `completion-refused`, `upload-failed`, or the refusal of an ended upload
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
  const { sizeBytes, checksum } = asked;
  const whole = wholeOf(record, sizeBytes);
  if (state === 'COMPLETED') return asAsked(completedAnswer(context, whole), asked);
  // An attempt that is under way has its own checksum written down; what is said now may be of other content.
  const isNew = state === 'UPLOADING' && checksum;
  const completion = joinCompletion(context, isNew ? { ...whole, checksum } : whole);
  return asAsked(await within(answerWithinMs, context, completion), asked);
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
function asAsked(answer: CompleteResponse, { sizeBytes, checksum }: CompleteRequest): CompleteResponse {
  if (answer.state !== 'COMPLETED') return answer;
  const { result } = answer;
  if (sizeBytes !== undefined && sizeBytes !== result.sizeBytes) throw sizeMismatch(result, sizeBytes);
  const proved = checksumBy(checksum?.algorithm, result.checksum);
  if (proved && proved.value !== checksum?.value) throw closedError(result.uploadId, 'COMPLETED');
  return answer;
}

/** One completion of an upload at a time in this process; the epoch keeps those of other processes apart. */
export function joinCompletion(context: UploadContext, record: WholeRecord): Promise<CompleteResponse> {
  const running = context.completions.get(record.uploadId);
  if (running) return running;
  const completion = driveCompletion(context, record).finally(() =>
    context.completions.delete(record.uploadId),
  );
  context.completions.set(record.uploadId, completion);
  return completion;
}

async function driveCompletion(context: UploadContext, record: WholeRecord): Promise<CompleteResponse> {
  const over =
    record.mode === 'multipart'
      ? await completeMultipart(context, record)
      : await completeWhole(context, record);
  return over ? completedAnswer(context, over) : completingAnswer();
}

async function within(
  answerWithinMs: number,
  context: UploadContext,
  completion: Promise<CompleteResponse>,
): Promise<CompleteResponse> {
  const timer = new AbortController();
  const late = context.clock.sleep(answerWithinMs, timer.signal).then(completingAnswer, () => undefined);
  try {
    const first = await Promise.race([completion, late]);
    // `undefined` only when the timer was stopped, which happens after the race.
    const answer = first ?? completingAnswer();
    if (answer.state === 'COMPLETING') completion.catch(context.onError);
    return answer;
  } finally {
    timer.abort();
  }
}
