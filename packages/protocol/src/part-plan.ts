import { MAX_OBJECT_SIZE_BYTES, MAX_PART_SIZE_BYTES, MAX_PARTS, MIN_PART_SIZE_BYTES } from './s3-limits.ts';

/** How an upload is cut: all parts equal but the last, fixed when the upload is created. */
export interface PartPlan {
  /** Size of the whole upload. */
  readonly sizeBytes: number;
  /** Size of every part but the last. An upload of 0 bytes keeps the size that was planned for more. */
  readonly partSizeBytes: number;
  /** Number of parts, at least 1: S3 wants one part even for 0 bytes. */
  readonly partCount: number;
}

/** What the planner may use; each of it yields to the rule of 10,000 parts. A value that is no number counts as absent. */
export interface PartPlanLimits {
  /** Smallest part that is not the last one. Default 5 MiB. */
  readonly minPartSizeBytes?: number;
  /** Largest part. Default 5 GiB. A size that would need more than `maxParts` raises it. */
  readonly maxPartSizeBytes?: number;
  /** Most parts. Default 10,000. */
  readonly maxParts?: number;
}

/** Where one part lies in the source. */
export interface PartRange {
  /** 1-based, as S3 counts. */
  readonly partNumber: number;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** Part size when nobody wishes for one: measured best for a file that is large enough. */
export const DEFAULT_PART_SIZE_BYTES: number = 16 * 1024 ** 2;

const MEBIBYTE = 1024 ** 2;

/**
 * Cuts an upload into parts that S3 accepts: every byte once, all parts equal but the last, never more than 10,000.
 *
 * The wish is clamped to the limits. When it would need too many parts the size grows to the next MiB that fits.
 *
 * @param sizeBytes size of the upload, 0 to 48.8 TiB
 * @param wishedPartSizeBytes part size that the client asks for; default 16 MiB, also for what is no number or 0
 * @throws RangeError if `sizeBytes` is not a whole number from 0 to 48.8 TiB
 * @example planParts(200 * 1024 ** 2).partCount // 13
 */
export function planParts(
  sizeBytes: number,
  wishedPartSizeBytes: number = DEFAULT_PART_SIZE_BYTES,
  limits: PartPlanLimits = {},
): PartPlan {
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > MAX_OBJECT_SIZE_BYTES) {
    throw new RangeError(
      `sizeBytes must be a whole number from 0 to ${MAX_OBJECT_SIZE_BYTES} (48.8 TiB), got ${sizeBytes}`,
    );
  }
  const partSizeBytes = fitPartSize(sizeBytes, wishedPartSizeBytes, limits);
  return { sizeBytes, partSizeBytes, partCount: Math.max(1, Math.ceil(sizeBytes / partSizeBytes)) };
}

/**
 * Where a part of a plan lies.
 *
 * @throws RangeError if the plan has no such part
 * @example partRange(planParts(6 * 1024 ** 2, 5 * 1024 ** 2), 2) // { partNumber: 2, offsetBytes: 5242880, sizeBytes: 1048576 }
 */
export function partRange(plan: PartPlan, partNumber: number): PartRange {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > plan.partCount) {
    throw new RangeError(`partNumber must be a whole number from 1 to ${plan.partCount}, got ${partNumber}`);
  }
  const offsetBytes = (partNumber - 1) * plan.partSizeBytes;
  return { partNumber, offsetBytes, sizeBytes: Math.min(plan.partSizeBytes, plan.sizeBytes - offsetBytes) };
}

/**
 * Where all parts of a plan lie, in order.
 *
 * @example partRanges(planParts(0)) // [{ partNumber: 1, offsetBytes: 0, sizeBytes: 0 }]
 */
export function partRanges({ sizeBytes, partSizeBytes, partCount }: PartPlan): PartRange[] {
  return Array.from({ length: partCount }, (_, index) => {
    const offsetBytes = index * partSizeBytes;
    return {
      partNumber: index + 1,
      offsetBytes,
      sizeBytes: Math.min(partSizeBytes, sizeBytes - offsetBytes),
    };
  });
}

function fitPartSize(sizeBytes: number, wishedPartSizeBytes: number, limits: PartPlanLimits): number {
  const minBytes = clamp(
    Math.ceil(numberOr(limits.minPartSizeBytes, MIN_PART_SIZE_BYTES)),
    MIN_PART_SIZE_BYTES,
    MAX_PART_SIZE_BYTES,
  );
  const maxBytes = clamp(
    Math.floor(numberOr(limits.maxPartSizeBytes, MAX_PART_SIZE_BYTES)),
    minBytes,
    MAX_PART_SIZE_BYTES,
  );
  const maxParts = clamp(Math.floor(numberOr(limits.maxParts, MAX_PARTS)), 1, MAX_PARTS);
  const wishedBytes = clamp(Math.floor(wishedPartSizeBytes) || DEFAULT_PART_SIZE_BYTES, minBytes, maxBytes);
  if (Math.ceil(sizeBytes / wishedBytes) <= maxParts) return wishedBytes;
  const neededBytes = Math.ceil(sizeBytes / maxParts / MEBIBYTE) * MEBIBYTE;
  // A lower `maxParts` may ask for more than S3 allows in one part: then S3's own limit of 10,000 parts decides.
  return Math.min(neededBytes, MAX_PART_SIZE_BYTES);
}

function numberOr(value: number | undefined, fallback: number): number {
  return value === undefined || Number.isNaN(value) ? fallback : value;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
