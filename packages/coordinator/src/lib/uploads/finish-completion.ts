import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/catalog.ts';
import type { UploadContext } from './context.ts';
import type { Proof } from './prove-object.ts';
import { closedError } from './upload-answers.ts';

/** The row once an upload is complete; `undefined` while nobody can tell yet and it stays COMPLETING. */
export type CompletionEnd = UploadRecord | undefined;

/**
 * Writes down what a proof says of an attempt. `absent`, `foreign` and `unknown` prove nothing: the row stays
 * COMPLETING with the reason, to be driven again.
 *
 * @throws CoordinatorError `upload-failed` when the store holds our object with another size
 */
export async function settleByProof(
  context: UploadContext,
  attempt: UploadRecord,
  proof: Proof,
  reason: string,
): Promise<CompletionEnd> {
  if (proof.kind === 'ours') return await finishCompletion(context, attempt, proof.object);
  if (proof.kind === 'wrong-size') {
    const lastError = `integrity: the store holds ${proof.object.sizeBytes} bytes instead of ${attempt.plan.sizeBytes}`;
    const failed = await context.catalog.fail(attempt.uploadId, attempt.epoch, lastError);
    if (!failed) return await endByOthers(context, attempt.uploadId);
    await forgetHot(context, attempt);
    throw new CoordinatorError(
      'upload-failed',
      `Upload ${attempt.uploadId} has failed, ${lastError}. Upload it again.`,
      {
        uploadId: attempt.uploadId,
      },
    );
  }
  const seen = proof.kind === 'unknown' ? proof.error.message : `the object is ${proof.kind}`;
  await context.catalog.noteError(attempt.uploadId, attempt.epoch, `${reason}; ${seen}`);
  return undefined;
}

/** COMPLETED in the catalog, unless another driver was faster: then its answer is the answer. */
export async function finishCompletion(
  context: UploadContext,
  attempt: UploadRecord,
  object: { readonly etag: string; readonly versionId?: string },
): Promise<CompletionEnd> {
  const finished = await context.catalog.finishCompletion(attempt.uploadId, attempt.epoch, {
    etag: object.etag,
    ...(object.versionId !== undefined && { versionId: object.versionId }),
    proof: 'size',
  });
  if (!finished) return await endByOthers(context, attempt.uploadId);
  await forgetHot(context, attempt);
  return finished;
}

/** The upload is over whether or not the state store can forget it now; what it keeps dies by itself. */
async function forgetHot({ state, onError }: UploadContext, { mode, uploadId }: UploadRecord): Promise<void> {
  if (mode === 'multipart') await state.remove(uploadId).catch(onError);
}

/** What another driver made of the upload. */
export async function endByOthers(context: UploadContext, uploadId: string): Promise<CompletionEnd> {
  const record = await context.catalog.find(uploadId);
  if (record?.state === 'COMPLETED') return record;
  if (!record || record.state === 'COMPLETING' || record.state === 'UPLOADING') return undefined;
  throw closedError(uploadId, record.state);
}
