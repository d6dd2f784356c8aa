import { type CreateUploadResponse, type PartRange, partRanges } from '@longhaul/protocol';

/** All parts of the plan; none while the size is unknown. */
export function partsOf({ plan }: CreateUploadResponse): PartRange[] {
  return plan.sizeBytes === null ? [] : partRanges(plan);
}
