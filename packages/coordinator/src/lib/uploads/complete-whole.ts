import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/catalog.ts';
import type { UploadContext } from './context.ts';
import { type CompletionEnd, endByOthers, settleByProof } from './finish-completion.ts';
import { objectMetadata } from './object-metadata.ts';
import { proveObject } from './prove-object.ts';

/**
 * Completes an upload that travelled in one presigned PUT: its proof is the object itself.
 *
 * @throws CoordinatorError `parts-missing` when nothing was stored yet
 */
export async function completeSingle(context: UploadContext, record: UploadRecord): Promise<CompletionEnd> {
  const proof = await proveObject(context, record);
  if (proof.kind === 'absent' && record.state === 'UPLOADING') {
    throw new CoordinatorError(
      'parts-missing',
      `The content of upload ${record.uploadId} was not stored yet. Send it and complete again.`,
      { uploadId: record.uploadId, missingParts: [1] },
    );
  }
  if (proof.kind === 'unknown') {
    throw new CoordinatorError(
      'store-unreachable',
      `The store could not say whether upload ${record.uploadId} is stored: ${proof.reason}`,
      {
        uploadId: record.uploadId,
      },
    );
  }
  const attempt = await begin(context, record);
  return attempt
    ? await settleByProof(context, attempt, proof, 'the content was sent')
    : await endByOthers(context, record.uploadId);
}

/**
 * Writes an inline payload and completes it. A repeat finds the object of the first time by its write token.
 *
 * @throws CoordinatorError `upload-failed` when the store holds another size
 */
export async function completeInline(
  context: UploadContext,
  record: UploadRecord,
  payload: Uint8Array,
): Promise<UploadRecord> {
  const open =
    record.state === 'PENDING' ? await context.catalog.openWithoutMultipart(record.uploadId) : record;
  const current = open ?? (await context.catalog.find(record.uploadId)) ?? record;
  if (current.state !== 'UPLOADING' && current.state !== 'COMPLETING') return current;
  const outcome = await context.objectStore.putObject({
    key: current.s3Key,
    contentType: current.contentType,
    metadata: objectMetadata(current),
    ...(current.encryption && { encryption: current.encryption }),
    body: payload,
  });
  const proof = await proveObject(
    context,
    current,
    outcome.kind === 'stored' ? outcome.versionId : undefined,
  );
  const attempt = await begin(context, current);
  const reason = outcome.kind === 'unknown' ? outcome.reason : `the store answered ${outcome.kind}`;
  const over = attempt
    ? await settleByProof(context, attempt, proof, reason)
    : await endByOthers(context, current.uploadId);
  return over ?? (await context.catalog.find(current.uploadId)) ?? current;
}

async function begin(context: UploadContext, record: UploadRecord): Promise<UploadRecord | undefined> {
  return await context.catalog.beginCompletion(record.uploadId, {
    partsDigest: '',
    redriveAfterMs: context.settings.completionRedriveAfterMs,
  });
}
