import type { CreateUploadResponse, UploadResult } from '@longhaul/protocol';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Completion } from '../stages/complete-upload.ts';
import { type Content, forgetUpload } from '../stages/identify-upload.ts';
import { codeOf } from '../upload-error.ts';
import type { Session } from './session.ts';
import type { Sending, UploadJob } from './upload-job.ts';

/** What it takes to end an upload that is open. */
interface EndingUpload {
  readonly sending: Sending;
  readonly session: Session;
  readonly content: Content;
}

/** How long a stream that failed may take to be forgotten by the coordinator, which ends it by itself after days. */
const LET_GO_WITHIN_MS = 10_000;

/** What sends is not there, and nobody can go on with what was a stream. */
export async function letGoUnsent<Source extends ByteSource>(
  { coordinator }: UploadJob<Source>,
  { uploadId, token }: CreateUploadResponse,
): Promise<void> {
  const call = { method: 'delete', path: `/${uploadId}`, token } as const;
  await coordinator.call(call, AbortSignal.timeout(LET_GO_WITHIN_MS)).catch(() => {});
}

/** Ends what nobody can or wants to go on with after the error. The result, if it is complete all the same. */
export async function endAfter<Source extends ByteSource>(
  job: UploadJob<Source>,
  { sending, session, content }: EndingUpload,
  error: unknown,
): Promise<UploadResult | undefined> {
  const { abortSignal, stopSignal, source } = job;
  const letGo = async (signal: AbortSignal): Promise<UploadResult | undefined> => {
    const complete = (): Promise<Completion> => sending.completeUpload(job, session.complete, signal);
    const result = await sending.cancelUpload(() => session.cancel(signal), complete);
    await forgetUpload(job, content);
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
