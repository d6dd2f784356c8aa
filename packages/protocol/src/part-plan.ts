import { MAX_OBJECT_SIZE_BYTES, MAX_PART_SIZE_BYTES, MAX_PARTS, MIN_PART_SIZE_BYTES } from './s3-limits.ts';

/** Gives every part but the last its size. */
export interface PartRule {
  /** Size of every part but the last, or of the first ones where sizes double. An upload of 0 bytes keeps the size that was planned for more. */
  readonly partSizeBytes: number;
  /**
   * Parts after which the size doubles, again and again, up to 5 GiB. Left out: all parts are equal but the last. Only
   * of an upload whose size was unknown when it began.
   */
  readonly doubleEvery?: number;
}

/** How an upload is cut, fixed when the upload is created. */
export interface PartPlan extends PartRule {
  /** Size of the whole upload. */
  readonly sizeBytes: number;
  /** Number of parts, at least 1: S3 wants one part even for 0 bytes. */
  readonly partCount: number;
}

/** How an upload is cut whose end nobody knows yet: any part may be the last, and is whatever size is left then. */
export interface OpenPlan extends PartRule {
  readonly sizeBytes: null;
  /** More bytes than these are refused. */
  readonly maxSizeBytes: number;
  /** Number of parts that `maxSizeBytes` make. */
  readonly maxPartCount: number;
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
 * The rule for an upload whose size is unknown: parts of the wished size, and of twice that after every tenth of the
 * parts that there may be, so that a short upload needs little memory and a long one reaches terabytes (7.9 TiB from
 * 8 MiB). Later parts may be larger than `limits.maxPartSizeBytes`, which yields here as it does for known sizes.
 *
 * With `equalParts` the store wants parts of one size: the upload ends at 10,000 of them (156 GiB from 16 MiB).
 * `maxSizeBytes` is the largest upload that is wanted; the rule may end below it.
 *
 * @example planOpen(16 * 1024 ** 2, {}, { equalParts: true }).maxSizeBytes // 167772160000
 */
export function planOpen(
  wishedPartSizeBytes: number = DEFAULT_PART_SIZE_BYTES,
  limits: PartPlanLimits = {},
  {
    equalParts = false,
    maxSizeBytes = MAX_OBJECT_SIZE_BYTES,
  }: { readonly equalParts?: boolean; readonly maxSizeBytes?: number } = {},
): OpenPlan {
  const maxParts = partLimit(limits);
  const rule = {
    partSizeBytes: fitPartSize(0, wishedPartSizeBytes, limits),
    ...(!equalParts && { doubleEvery: Math.ceil(maxParts / 10) }),
  };
  const reachBytes = Math.min(maxSizeBytes, offsetOf(rule, maxParts + 1));
  const { partCount } = closePlan(rule, reachBytes);
  return { sizeBytes: null, ...rule, maxSizeBytes: reachBytes, maxPartCount: partCount };
}

/**
 * The plan that a rule has become, now that the size is known.
 *
 * @example closePlan(planOpen(5 * 1024 ** 2), 6 * 1024 ** 2).partCount // 2
 */
export function closePlan({ partSizeBytes, doubleEvery }: PartRule, sizeBytes: number): PartPlan {
  const rule = { partSizeBytes, ...(doubleEvery !== undefined && { doubleEvery }) };
  let partCount = 1;
  while (offsetOf(rule, partCount + 1) < sizeBytes) partCount += 1;
  return { sizeBytes, ...rule, partCount };
}

/**
 * Where a part of a plan lies. While the size is unknown, a part has its full size: the last one will have less.
 *
 * @throws RangeError if the plan has no such part
 * @example partRange(planParts(6 * 1024 ** 2, 5 * 1024 ** 2), 2) // { partNumber: 2, offsetBytes: 5242880, sizeBytes: 1048576 }
 */
export function partRange(plan: PartPlan | OpenPlan, partNumber: number): PartRange {
  const { endBytes, partCount } = boundsOf(plan);
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partCount) {
    throw new RangeError(`partNumber must be a whole number from 1 to ${partCount}, got ${partNumber}`);
  }
  const offsetBytes = offsetOf(plan, partNumber);
  return {
    partNumber,
    offsetBytes,
    sizeBytes: Math.min(fullPartSizeOf(plan, partNumber), endBytes - offsetBytes),
  };
}

/** Size and number of parts of a plan; while the size is unknown, the most that they may be. */
export function boundsOf(plan: PartPlan | OpenPlan): {
  readonly endBytes: number;
  readonly partCount: number;
} {
  return plan.sizeBytes === null
    ? { endBytes: plan.maxSizeBytes, partCount: plan.maxPartCount }
    : { endBytes: plan.sizeBytes, partCount: plan.partCount };
}

/** Whether a part is one of the plan. While the size is unknown, any may be the last one, and shorter. */
export function fitsPlan(
  plan: PartPlan | OpenPlan,
  { partNumber, sizeBytes }: Pick<PartRange, 'partNumber' | 'sizeBytes'>,
): boolean {
  if (partNumber > boundsOf(plan).partCount) return false;
  const plannedBytes = partRange(plan, partNumber).sizeBytes;
  return plan.sizeBytes === null ? sizeBytes <= plannedBytes : sizeBytes === plannedBytes;
}

/**
 * Where all parts of a plan lie, in order.
 *
 * @example partRanges(planParts(0)) // [{ partNumber: 1, offsetBytes: 0, sizeBytes: 0 }]
 */
export function partRanges(plan: PartPlan): PartRange[] {
  let offsetBytes = 0;
  return Array.from({ length: plan.partCount }, (_, index) => {
    const partNumber = index + 1;
    const sizeBytes = Math.min(fullPartSizeOf(plan, partNumber), plan.sizeBytes - offsetBytes);
    const range = { partNumber, offsetBytes, sizeBytes };
    offsetBytes += sizeBytes;
    return range;
  });
}

/** Size of a part that is not the last. */
export function fullPartSizeOf(
  { partSizeBytes, doubleEvery = Infinity }: PartRule,
  partNumber: number,
): number {
  return Math.min(partSizeBytes * 2 ** Math.floor((partNumber - 1) / doubleEvery), MAX_PART_SIZE_BYTES);
}

/** Where a part begins if all before it have their full size. */
function offsetOf(rule: PartRule, partNumber: number): number {
  const { doubleEvery = Infinity } = rule;
  let offsetBytes = 0;
  for (let before = 1; before < partNumber; before += doubleEvery) {
    offsetBytes += fullPartSizeOf(rule, before) * Math.min(doubleEvery, partNumber - before);
  }
  return offsetBytes;
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
  const maxParts = partLimit(limits);
  const wishedBytes = clamp(Math.floor(wishedPartSizeBytes) || DEFAULT_PART_SIZE_BYTES, minBytes, maxBytes);
  if (Math.ceil(sizeBytes / wishedBytes) <= maxParts) return wishedBytes;
  const neededBytes = Math.ceil(sizeBytes / maxParts / MEBIBYTE) * MEBIBYTE;
  // A lower `maxParts` may ask for more than S3 allows in one part: then S3's own limit of 10,000 parts decides.
  return Math.min(neededBytes, MAX_PART_SIZE_BYTES);
}

function partLimit({ maxParts }: PartPlanLimits): number {
  return clamp(Math.floor(numberOr(maxParts, MAX_PARTS)), 1, MAX_PARTS);
}

function numberOr(value: number | undefined, fallback: number): number {
  return value === undefined || Number.isNaN(value) ? fallback : value;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
