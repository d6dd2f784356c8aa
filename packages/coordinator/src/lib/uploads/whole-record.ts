import { closePlan, type PartPlan } from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';

/** The row of an upload whose size is known. */
export type WholeRecord = UploadRecord & { readonly plan: PartPlan };

/**
 * The row with its size; one that has none is given that of the request. The row itself gets it with the attempt to
 * complete.
 *
 * @throws CoordinatorError `size-mismatch` when there is none, or two
 */
export function wholeOf<Row extends UploadRecord>(
  record: Row,
  sizeBytes?: number,
): Row & { readonly plan: PartPlan } {
  const { plan, uploadId } = record;
  if (plan.sizeBytes === null) {
    const { maxSizeBytes } = plan;
    if (sizeBytes !== undefined && sizeBytes <= maxSizeBytes)
      return { ...record, plan: closePlan(plan, sizeBytes) };
    const detail = `Upload ${uploadId} was created without a size. Complete it with sizeBytes, ${maxSizeBytes} at most.`;
    throw new CoordinatorError('size-mismatch', detail, { uploadId });
  }
  if (sizeBytes === undefined || sizeBytes === plan.sizeBytes) return { ...record, plan };
  throw sizeMismatch({ uploadId, sizeBytes: plan.sizeBytes }, sizeBytes);
}

/** The refusal of a size that is not the upload's. */
export function sizeMismatch(
  { uploadId, sizeBytes }: { readonly uploadId: string; readonly sizeBytes: number },
  asked: number,
): CoordinatorError {
  return new CoordinatorError(
    'size-mismatch',
    `Upload ${uploadId} has ${sizeBytes} bytes and cannot be completed with ${asked}.`,
    { uploadId },
  );
}
