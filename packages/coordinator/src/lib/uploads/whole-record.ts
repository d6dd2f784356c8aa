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
  throw new CoordinatorError(
    'size-mismatch',
    `Upload ${uploadId} has ${plan.sizeBytes} bytes and cannot be completed with ${sizeBytes}.`,
    { uploadId },
  );
}
