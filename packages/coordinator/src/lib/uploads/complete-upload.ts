import type { CompleteRequest, CompleteResponse } from '@longhaul/protocol';
import { completeMultipart } from './complete-multipart.ts';
import { completeWhole } from './complete-whole.ts';
import type { UploadContext } from './context.ts';
import { closedError, completedAnswer, completingAnswer, findRecord } from './upload-answers.ts';
import type { TokenClaims } from './upload-token.ts';
import { type WholeRecord, wholeOf } from './whole-record.ts';

/**
 * Completes an upload and waits for it, at most `answerWithinMs` (default: the setting): after that the work goes on and the answer is
 * COMPLETING. Asking again joins the work, or reads what came of it; a second complete gets the first answer.
 *
 * @throws CoordinatorError `size-mismatch`, `parts-missing`, `completion-refused`, `upload-failed`, or the refusal of an ended upload
 */
export async function completeUpload(
  context: UploadContext,
  caller: TokenClaims,
  { sizeBytes, checksum }: CompleteRequest = {},
  answerWithinMs: number = context.settings.completeAnswerWithinMs,
): Promise<CompleteResponse> {
  const record = await findRecord(context, caller);
  const { state, uploadId } = record;
  if (state !== 'UPLOADING' && state !== 'COMPLETING' && state !== 'COMPLETED')
    throw closedError(uploadId, state);
  const whole = wholeOf(record, sizeBytes);
  if (state === 'COMPLETED') return completedAnswer(context, whole);
  // An attempt that is under way has its own checksum written down; what is said now may be of other content.
  const isNew = state === 'UPLOADING' && checksum;
  return await within(
    answerWithinMs,
    context,
    joinCompletion(context, isNew ? { ...whole, checksum } : whole),
  );
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
