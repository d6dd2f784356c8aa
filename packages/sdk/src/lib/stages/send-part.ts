import type { Grant, PartRange, Receipt } from '@longhaul/protocol';
import { addressOf } from '../address.ts';
import { failureReason } from '../failure-reason.ts';
import { judgePartAnswer, s3CodeOf, type Verdict } from '../part-answer.ts';
import { pause, type PausePorts } from '../pause.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { PartAnswer, PartSender } from '../ports/part-sender.ts';
import { nextDelayMs, type RetryPolicy, type Tally, type Trouble } from '../retry.ts';
import { isUploadError, UploadError } from '../upload-error.ts';
import { createWatchdog } from '../watchdog.ts';

/** What sending one part takes. */
export interface SendPartInput<Source extends ByteSource> {
  readonly source: Source;
  readonly sender: PartSender<Source>;
  readonly ports: PausePorts;
  readonly retry: RetryPolicy;
  /** Silence after which an attempt is given up. Doubles with each attempt, for lines slower than anyone thought. */
  readonly stallTimeoutMs: number;
  readonly grantFor: (part: PartRange) => Promise<Grant>;
  readonly dropGrant: (partNumber: number) => void;
  /** Bytes of the present attempt handed to the network; 0 when an attempt has failed. */
  readonly onProgress: (part: PartRange, sentBytes: number) => void;
}

interface Attempt {
  readonly grant: Grant;
  readonly verdict: Verdict;
  /** What the store answered; left out when it did not. */
  readonly answer?: PartAnswer;
  /** Why there was no answer. */
  readonly cause?: unknown;
}

const MAX_STALL_DOUBLINGS = 3;

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
  const { ports, retry, source } = input;
  const startMs = ports.clock.nowMs();
  const errorCodes: string[] = [];
  let tally: Tally = { failures: 0, renewals: 0 };
  for (;;) {
    const attempt = await sendOnce(input, part, tally.failures, signal);
    // A part sent while the file was being changed must not be reported, and a damaged one not be sent again.
    await source.verify();
    const { verdict, answer } = attempt;
    if (verdict === 'stored' || verdict === 'exists') {
      const durationMs = Math.round(ports.clock.nowMs() - startMs);
      return receiptOf(part, answer?.etag, { durationMs, attempts: tally.failures + 1, errorCodes });
    }
    input.onProgress(part, 0);
    errorCodes.push(reasonOf(attempt).slice(0, 64));
    const trouble = verdict === 'gone' ? 'fatal' : verdict;
    tally = count(tally, trouble);
    const chance = {
      randomFraction: ports.clock.randomFraction(),
      retryAfterSeconds: answer?.retryAfterSeconds,
    };
    const delayMs = nextDelayMs(retry, trouble, tally, chance);
    if (delayMs === undefined) throw givenUp(attempt, part, tally);
    if (needsFreshUrl(trouble)) input.dropGrant(part.partNumber);
    await pause(ports, delayMs, signal);
  }
}

async function sendOnce<Source extends ByteSource>(
  { source, sender, ports, stallTimeoutMs, grantFor, onProgress }: SendPartInput<Source>,
  part: PartRange,
  failures: number,
  signal: AbortSignal,
): Promise<Attempt> {
  const grant = await grantFor(part);
  const patienceMs = stallTimeoutMs * 2 ** Math.min(failures, MAX_STALL_DOUBLINGS);
  const watchdog = createWatchdog(ports.clock, patienceMs, signal);
  const { url, headers } = grant;
  const { offsetBytes, sizeBytes } = part;
  const moved = (sentBytes: number): void => {
    watchdog.feed();
    onProgress(part, sentBytes);
  };
  try {
    const range = { offsetBytes, sizeBytes };
    const answer = await sender.send({
      source,
      ...range,
      url,
      headers,
      signal: watchdog.signal,
      onProgress: moved,
    });
    return { grant, answer, verdict: judgePartAnswer(answer) };
  } catch (error) {
    signal.throwIfAborted();
    if (isUploadError(error)) throw error;
    return { grant, cause: error, verdict: 'transient' };
  } finally {
    watchdog.stop();
  }
}

function needsFreshUrl(trouble: Trouble): boolean {
  return trouble === 'expired' || trouble === 'forbidden';
}

function count({ failures, renewals }: Tally, trouble: Trouble): Tally {
  return needsFreshUrl(trouble)
    ? { failures, renewals: renewals + 1 }
    : { failures: failures + 1, renewals: 0 };
}

function receiptOf(
  { partNumber, sizeBytes }: PartRange,
  etag: string | undefined,
  { errorCodes, ...effort }: { durationMs: number; attempts: number; errorCodes: readonly string[] },
): Receipt {
  return {
    partNumber,
    sizeBytes,
    ...effort,
    ...(etag !== undefined && { etag }),
    ...(errorCodes.length > 0 && { errorCodes: errorCodes.slice(-32) }),
  };
}

function reasonOf({ answer, cause }: Attempt): string {
  return answer ? `${answer.status} ${s3CodeOf(answer.body) ?? ''}`.trim() : failureReason(cause);
}

function givenUp(attempt: Attempt, { partNumber }: PartRange, { failures }: Tally): UploadError {
  const { answer, cause, grant } = attempt;
  const address = addressOf(grant.url);
  const reason = reasonOf(attempt);
  if (!answer) {
    const message =
      `No answer from the object store at ${address} for part ${partNumber} in ${failures} attempts: ${reason}. ` +
      'Check that it can be reached from here, then upload the same file again: it goes on where it stopped.';
    return new UploadError('STORE_UNREACHABLE', message, { cause });
  }
  const { status, body } = answer;
  const s3Code = s3CodeOf(body);
  const message = `The object store at ${address} refused part ${partNumber}: ${reason}. Look this code up in its documentation.`;
  return new UploadError('STORE_REFUSED', message, { status, ...(s3Code !== undefined && { s3Code }) });
}
