import type { Grant, PartRange, Receipt } from '@longhaul/protocol';
import { addressOf } from '../address.ts';
import { isDamaged, judgePartAnswer, refusedHeadersOf, s3CodeOf, type Verdict } from '../part-answer.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { PartAnswer, PartSender } from '../ports/part-sender.ts';
import { repeat, type RepeatInput } from '../repeat.ts';
import type { Attempt, Line } from '../schedule/line.ts';
import { codeOf, isUploadError, unreachable, UploadError } from '../upload-error.ts';

/** What sending one part takes. */
export interface SendPartInput<Source extends ByteSource> extends RepeatInput {
  readonly source: Source;
  readonly sender: PartSender<Source>;
  readonly line: Line;
  readonly grantFor: (part: PartRange, signal: AbortSignal) => Promise<Grant>;
  readonly dropGrant: (partNumber: number) => void;
  /** Of an upload with digests: whether the part is still what was digested. */
  readonly isSame?: ((part: PartRange) => Promise<boolean>) | undefined;
  /** Bytes of the present attempt handed to the network; 0 when an attempt has failed. */
  readonly partMoved: (part: PartRange, sentBytes: number) => void;
}

/** Failures of a part without an answer after which its next URL is asked for anew. */
const ASK_AGAIN_EVERY = 3;

/** An answer of the store, or why there was none (status 0 then). */
type Answer = PartAnswer & { readonly cause?: unknown };

/**
 * Sends one part until the store has it, or nothing will help.
 *
 * @throws UploadError `STORE_UNREACHABLE`, `STORE_REFUSED`, or what the source throws; the signal's reason on abort
 */
export async function sendPart<Source extends ByteSource>(
  input: SendPartInput<Source>,
  part: PartRange,
  signal: AbortSignal,
): Promise<Receipt> {
  const { clock, line } = input;
  const { partNumber, sizeBytes } = part;
  const startMs = clock.nowMs();
  const errorCodes: string[] = [];
  let verdict: Verdict | undefined;
  return await repeat({ ...input, isKnownServer: () => line.hasStored }, signal, async (failures) => {
    const grant = await input.grantFor(part, signal);
    const isTls = grant.url.startsWith('https:');
    const attempt = line.begin({ sizeBytes, failures, signal, isTls });
    const isOnNewConnection = verdict === 'transient' || verdict === 'interrupted';
    verdict = undefined;
    try {
      const answer = await sendOnce(input, { ...part, ...grant, isOnNewConnection }, attempt);
      // Nobody aborted it but the watch, and the watch knows why.
      if (!answer.status) signal.throwIfAborted();
      verdict = !answer.status && attempt.stall === 'asleep' ? 'interrupted' : judgePartAnswer(answer);
      if (verdict === 'stored') {
        const durationMs = clock.nowMs() - startMs;
        const sent = { partNumber, sizeBytes, durationMs, attempts: failures + 1 };
        return { value: receiptOf(sent, answer, errorCodes) };
      }
      // Of a file that was changed nothing is sent again. What is stored is looked at when it is reported.
      await input.source.verify();
      input.partMoved(part, 0);
      if (isDamaged(answer.body) && (await input.isSame?.(part)) === false) throw changedError();
      if (needsNewUrl(verdict, answer, failures + 1)) input.dropGrant(partNumber);
      const error = errorOf(answer, grant.url, partNumber);
      // As many, and as long, as a receipt may tell.
      if (errorCodes.length < 32) errorCodes.push(codeOf(error).slice(0, 64));
      return { trouble: verdict, error, retryAfterSeconds: answer.retryAfterSeconds };
    } finally {
      attempt.end(verdict);
    }
  });
}

/** Of an upload that is over, a store that breaks connections does not tell; whoever gives the next URL does. */
function needsNewUrl(verdict: Verdict, { status }: Answer, failures: number): boolean {
  return verdict.startsWith('refused') || (!status && failures % ASK_AGAIN_EVERY === 0);
}

function receiptOf(sent: Receipt, { etag }: Answer, errorCodes: readonly string[]): Receipt {
  return { ...sent, ...(errorCodes[0] && { errorCodes }), ...(etag && { etag }) };
}

async function sendOnce<Source extends ByteSource>(
  { source, sender, partMoved }: SendPartInput<Source>,
  part: PartRange & Grant & { readonly isOnNewConnection: boolean },
  attempt: Attempt,
): Promise<Answer> {
  try {
    return await sender.send({
      ...part,
      source,
      signal: attempt.signal,
      onProgress(sentBytes) {
        attempt.moved(sentBytes);
        partMoved(part, sentBytes);
      },
    });
  } catch (cause) {
    if (isUploadError(cause)) throw cause;
    return { status: 0, body: '', cause };
  }
}

function errorOf({ status, body, cause }: Answer, url: string, partNumber: number): UploadError {
  const where = `part ${partNumber}, ${addressOf(url)}`;
  if (!status) return unreachable('STORE_UNREACHABLE', `object store (${where})`, cause);
  const s3Code = s3CodeOf(body);
  const message = `The object store refused (${where}): ${status} ${s3Code ?? ''}`;
  const headers = refusedHeadersOf(body, url);
  const hint = headers && `. Something on the way changes or adds headers; look at: ${headers}`;
  return new UploadError('STORE_REFUSED', message + hint, { status, s3Code });
}

function changedError(): UploadError {
  return new UploadError('FILE_CHANGED', 'The file was changed while it was being sent. Upload it again.');
}
