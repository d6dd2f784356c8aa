import type { Grant, PartRange, Receipt } from '@longhaul/protocol';
import { addressOf } from '../address.ts';
import { isDamaged, judgePartAnswer, s3CodeOf } from '../part-answer.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { PartAnswer, PartSender } from '../ports/part-sender.ts';
import { repeat, type RepeatInput } from '../repeat.ts';
import { isUploadError, unreachable, UploadError } from '../upload-error.ts';
import { createWatchdog } from '../watchdog.ts';

/** What sending one part takes. */
export interface SendPartInput<Source extends ByteSource> extends RepeatInput {
  readonly source: Source;
  readonly sender: PartSender<Source>;
  /** Silence after which an attempt is given up. Doubles with each attempt, for lines slower than anyone thought. */
  readonly stallTimeoutMs: number;
  readonly grantFor: (part: PartRange, signal: AbortSignal) => Promise<Grant>;
  readonly dropGrant: (partNumber: number) => void;
  /** Of an upload with digests: throws if the part is not what was digested. */
  readonly recheck?: ((part: PartRange) => Promise<void>) | undefined;
  /** Bytes of the present attempt handed to the network; 0 when an attempt has failed. */
  readonly partMoved: (part: PartRange, sentBytes: number) => void;
}

/** An answer of the store, or why there was none (status 0 then). */
type Attempt = PartAnswer & { readonly cause?: unknown };

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
  const { clock } = input;
  const { partNumber, sizeBytes } = part;
  const startMs = clock.nowMs();
  return await repeat(input, signal, async (failures) => {
    const grant = await input.grantFor(part, signal);
    const attempt = await sendOnce(input, part, grant, { signal, failures });
    // A part sent while the file was being changed must not be reported, and a damaged one not be sent again.
    await input.source.verify();
    const verdict = judgePartAnswer(attempt);
    if (verdict === 'stored') {
      const { etag } = attempt;
      return {
        value: {
          partNumber,
          sizeBytes,
          durationMs: clock.nowMs() - startMs,
          attempts: failures + 1,
          ...(etag && { etag }),
        },
      };
    }
    input.partMoved(part, 0);
    if (isDamaged(attempt.body)) await input.recheck?.(part);
    if (verdict === 'refused-url') input.dropGrant(partNumber);
    const error = errorOf(attempt, `part ${partNumber}, ${addressOf(grant.url)}`);
    return { error, trouble: verdict, retryAfterSeconds: attempt.retryAfterSeconds };
  });
}

async function sendOnce<Source extends ByteSource>(
  { source, sender, clock, stallTimeoutMs, partMoved }: SendPartInput<Source>,
  part: PartRange,
  { url, headers }: Grant,
  { signal, failures }: { readonly signal: AbortSignal; readonly failures: number },
): Promise<Attempt> {
  const patienceMs = stallTimeoutMs * 2 ** Math.min(failures, MAX_STALL_DOUBLINGS);
  const watchdog = createWatchdog(clock, patienceMs, signal);
  try {
    return await sender.send({
      ...part,
      source,
      url,
      headers,
      signal: watchdog.signal,
      onProgress(sentBytes) {
        watchdog.feed();
        partMoved(part, sentBytes);
      },
    });
  } catch (cause) {
    signal.throwIfAborted();
    if (isUploadError(cause)) throw cause;
    return { status: 0, body: '', cause };
  } finally {
    watchdog.stop();
  }
}

function errorOf({ status, body, cause }: Attempt, where: string): UploadError {
  if (!status) return unreachable('STORE_UNREACHABLE', `object store (${where})`, cause);
  const s3Code = s3CodeOf(body);
  const message = `The object store refused (${where}): ${status} ${s3Code ?? ''}`;
  return new UploadError('STORE_REFUSED', message, { status, s3Code });
}
