import type { Grant, PartRange, Receipt } from '@longhaul/protocol';
import { addressOf } from '../address.ts';
import { failureReason } from '../failure-reason.ts';
import { judgePartAnswer, s3CodeOf, type Verdict } from '../part-answer.ts';
import { pause, type PausePorts } from '../pause.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { PartAnswer, PartSender } from '../ports/part-sender.ts';
import { nextDelayMs, type RetryPolicy } from '../retry.ts';
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
  const { partNumber, sizeBytes } = part;
  const startMs = ports.clock.nowMs();
  const errorCodes: string[] = [];
  for (let failures = 0, renewals = 0; ;) {
    const grant = await input.grantFor(part);
    const attempt = await sendOnce(input, part, grant, { signal, failures });
    // A part sent while the file was being changed must not be reported, and a damaged one not be sent again.
    await source.verify();
    const { verdict, answer } = attempt;
    if (verdict === 'stored' || verdict === 'exists') {
      const durationMs = Math.round(ports.clock.nowMs() - startMs);
      const etag = answer?.etag;
      return {
        partNumber,
        sizeBytes,
        durationMs,
        attempts: failures + 1,
        errorCodes,
        ...(etag !== undefined && { etag }),
      };
    }
    input.onProgress(part, 0);
    const reason = reasonOf(attempt);
    errorCodes.push(reason.slice(0, 64));
    const isUrlRefused = verdict === 'refused-url';
    renewals = isUrlRefused ? renewals + 1 : 0;
    if (isUrlRefused) input.dropGrant(partNumber);
    else failures++;
    const randomFraction = ports.clock.randomFraction();
    const circumstances = {
      failures,
      renewals,
      randomFraction,
      retryAfterSeconds: answer?.retryAfterSeconds,
    };
    const delayMs = nextDelayMs(retry, verdict, circumstances);
    if (delayMs === undefined)
      throw givenUp(attempt, `${reason} (part ${partNumber}, ${addressOf(grant.url)})`);
    await pause(ports, delayMs, signal);
  }
}

async function sendOnce<Source extends ByteSource>(
  { source, sender, ports, stallTimeoutMs, onProgress }: SendPartInput<Source>,
  part: PartRange,
  { url, headers }: Grant,
  { signal, failures }: { readonly signal: AbortSignal; readonly failures: number },
): Promise<Attempt> {
  const patienceMs = stallTimeoutMs * 2 ** Math.min(failures, MAX_STALL_DOUBLINGS);
  const watchdog = createWatchdog(ports.clock, patienceMs, signal);
  const { offsetBytes, sizeBytes } = part;
  try {
    const answer = await sender.send({
      source,
      offsetBytes,
      sizeBytes,
      url,
      headers,
      signal: watchdog.signal,
      onProgress(sentBytes) {
        watchdog.feed();
        onProgress(part, sentBytes);
      },
    });
    return { answer, verdict: judgePartAnswer(answer) };
  } catch (error) {
    signal.throwIfAborted();
    if (isUploadError(error)) throw error;
    return { cause: error, verdict: 'transient' };
  } finally {
    watchdog.stop();
  }
}

function reasonOf({ answer, cause }: Attempt): string {
  return answer ? `${answer.status} ${s3CodeOf(answer.body) ?? ''}` : failureReason(cause);
}

function givenUp({ answer, cause }: Attempt, reason: string): UploadError {
  if (!answer) {
    const message = `No answer from the object store: ${reason}. Check that it can be reached, then upload again to go on.`;
    return new UploadError('STORE_UNREACHABLE', message, { cause });
  }
  const s3Code = s3CodeOf(answer.body);
  const message = `The object store refused: ${reason}. Its documentation tells what to do about this code.`;
  return new UploadError('STORE_REFUSED', message, {
    status: answer.status,
    ...(s3Code !== undefined && { s3Code }),
  });
}
