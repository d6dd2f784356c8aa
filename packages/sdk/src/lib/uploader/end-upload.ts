import type { UploadResult } from '@longhaul/protocol';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Clock } from '../ports/clock.ts';
import { cancelUpload } from '../stages/cancel-upload.ts';
import { type Completion, completeUpload } from '../stages/complete-upload.ts';
import { codeOf } from '../upload-error.ts';
import type { Session } from './session.ts';
import type { UploadControl } from './upload-handle.ts';

/** An upload that is to be ended. */
interface EndInput extends Pick<UploadControl, 'abortSignal' | 'stopSignal'> {
  readonly source: Pick<ByteSource, 'once'>;
  readonly clock: Clock;
}

/** What it takes to end it, once it is open. */
interface EndingUpload {
  readonly session: Session;
  readonly forget: () => Promise<void>;
}

/** How long a stream that failed may take to be forgotten by the coordinator, which ends it by itself after days. */
const LET_GO_WITHIN_MS = 10_000;

/** Ends what nobody can or wants to go on with after the error. The result, if it is complete all the same. */
export async function endAfter(
  job: EndInput,
  { session, forget }: EndingUpload,
  error: unknown,
): Promise<UploadResult | undefined> {
  const { abortSignal, stopSignal, source } = job;
  const letGo = async (signal: AbortSignal): Promise<UploadResult | undefined> => {
    const complete = (): Promise<Completion> => completeUpload(job, session.complete, signal);
    const result = await cancelUpload(() => session.cancel(signal), complete);
    await forget();
    return result;
  };
  if (!abortSignal.aborted) {
    // Parts of the old content must not wait to be mixed with the new. Who cannot be told does not change what happened.
    if (codeOf(error) === 'FILE_CHANGED') return void (await letGo(abortSignal).catch(() => undefined));
    if (stopSignal.aborted) return await letGo(abortSignal);
  }
  // What is left of a stream is of no use: nobody can go on with it. Nor is it worth more than the error itself.
  return source.once && (await letGo(AbortSignal.timeout(LET_GO_WITHIN_MS)).catch(() => undefined));
}
