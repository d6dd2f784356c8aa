import { DEFAULT_PART_SIZE_BYTES, MIN_PART_SIZE_BYTES, type PartPlan } from '@longhaul/protocol';

/** How a file would be cut if it were for us; the coordinator's plan decides. */
export interface WishedPlan {
  readonly partSizeBytes: number;
  /** It fits into one part: one PUT. */
  readonly isWhole: boolean;
  /** Why, in one sentence. */
  readonly reason: string;
}

/** What a wish rests on. */
export interface PlanFacts {
  readonly sizeBytes: number;
  /** Parts in flight to begin with. */
  readonly concurrency: number;
  /** Largest part that the caller allows, if the caller says so. */
  readonly maxPartSizeBytes?: number | undefined;
  /** What the line has carried last, all parts together. */
  readonly bytesPerSecond?: number | undefined;
  /** Parts are held in memory, because they cannot be read again. */
  readonly isHeld?: boolean;
}

const MEBIBYTE = 1024 ** 2;

/** Long enough that a round trip between two parts does not matter, short enough that sending one again does not either. */
const SECONDS_PER_PART = 4;

/** Above this a part gains nothing any more, and costs whoever has to hold or to hash it. */
const MAX_WISH_BYTES = 64 * MEBIBYTE;

/**
 * Parts for each connection, so that all have work until the end: connections do not share a line evenly, and what the
 * slowest still has in hand when the others are done is carried by it alone.
 */
const PARTS_PER_CONNECTION = 4;

/**
 * The part size to ask for: some seconds of work at the rate that one connection was last known to have, and what measured
 * best while that is unknown; less where that would leave connections without work, but never less than S3 takes.
 */
export function wishPlan(facts: PlanFacts): WishedPlan {
  const { sizeBytes, concurrency } = facts;
  const [largestBytes, largestReason, wholeBytes = largestBytes] = largestPart(facts);
  const partSizeBytes = wholeMebibytes(sizeBytes / (PARTS_PER_CONNECTION * concurrency), largestBytes);
  const isWhole = sizeBytes <= wholeBytes;
  const reason = isWhole
    ? 'it is no larger than one part'
    : partSizeBytes === largestBytes
      ? largestReason
      : partSizeBytes === MIN_PART_SIZE_BYTES
        ? 'the least that S3 takes'
        : `${PARTS_PER_CONNECTION} parts for each of ${concurrency} connections`;
  return { partSizeBytes, isWhole, reason: `${isWhole ? 'One PUT' : partsOf(partSizeBytes)}: ${reason}.` };
}

/** The largest part to ask for, why, and the largest file that is one PUT, where that is another. */
function largestPart({
  concurrency,
  maxPartSizeBytes,
  bytesPerSecond,
  isHeld,
}: PlanFacts): [bytes: number, reason: string, wholeBytes?: number] {
  if (maxPartSizeBytes !== undefined) return [maxPartSizeBytes, 'the most that the caller allows'];
  if (isHeld) return [DEFAULT_PART_SIZE_BYTES, 'held in memory'];
  // Two connections are faster than one on a line that is slow or loses packets, and this may be such a line.
  if (bytesPerSecond === undefined)
    return [DEFAULT_PART_SIZE_BYTES, 'until the line is measured', MIN_PART_SIZE_BYTES];
  return [
    wholeMebibytes((SECONDS_PER_PART * bytesPerSecond) / concurrency, MAX_WISH_BYTES),
    `${SECONDS_PER_PART} s for each of ${concurrency} connections at ${inMebibytes(bytesPerSecond)}/s`,
  ];
}

/** Why the plan is as it is, once the coordinator has decided. */
export function reasonOf(
  wished: WishedPlan,
  { partSizeBytes }: Pick<PartPlan, 'partSizeBytes'>,
  isResumed: boolean,
): string {
  return !isResumed && (wished.isWhole || partSizeBytes === wished.partSizeBytes)
    ? wished.reason
    : `${partsOf(partSizeBytes)}: ${isResumed ? 'planned when the upload was begun' : 'the coordinator wants it so'}.`;
}

/** Parts of that size, in words. */
export function partsOf(bytes: number): string {
  return `Parts of ${inMebibytes(bytes)}`;
}

function wholeMebibytes(bytes: number, mostBytes: number): number {
  return Math.min(mostBytes, Math.max(MIN_PART_SIZE_BYTES, Math.floor(bytes / MEBIBYTE) * MEBIBYTE));
}

function inMebibytes(bytes: number): string {
  return `${+(bytes / MEBIBYTE).toPrecision(3)} MiB`;
}
