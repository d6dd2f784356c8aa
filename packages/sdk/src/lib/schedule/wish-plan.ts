import { DEFAULT_PART_SIZE_BYTES, MIN_PART_SIZE_BYTES, type PartPlan } from '@longhaul/protocol';
import { lanesFor } from './lanes.ts';

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
  const roughBytes = wholeMebibytes(sizeBytes / (PARTS_PER_CONNECTION * concurrency), largestBytes);
  const lanes = lanesFor(Math.ceil(sizeBytes / roughBytes), concurrency);
  const evenBytes = evenSize(sizeBytes, roughBytes, { lanes, largestBytes });
  const partSizeBytes = evenBytes ?? roughBytes;
  const isWhole = sizeBytes <= wholeBytes;
  const reason = isWhole
    ? 'it is no larger than one part'
    : evenBytes !== undefined
      ? `as many for each of ${lanesFor(Math.ceil(sizeBytes / evenBytes), concurrency)} connections`
      : partSizeBytes === largestBytes
        ? largestReason
        : partSizeBytes === MIN_PART_SIZE_BYTES
          ? 'the least that S3 takes'
          : `${PARTS_PER_CONNECTION} parts for each of ${concurrency} connections`;
  return { partSizeBytes, isWhole, reason: `${isWhole ? 'One PUT' : partsOf(partSizeBytes)}: ${reason}.` };
}

/** More rounds than these end nearly together anyhow. */
const MAX_EVEN_ROUNDS = 16;

/** A last part so much smaller than the others is worth no request of its own, nor a connection. */
const MOST_GROWTH = 1.1;

/** Sizes that are multiples of this lie well on disks. */
const GRAIN_BYTES = 64 * 1024;

/**
 * Nearly the same size, so that each connection has the same number of parts: the few that would be left over are sent while
 * the other connections idle. `undefined`: there is none that is better.
 */
function evenSize(
  sizeBytes: number,
  roughBytes: number,
  { lanes, largestBytes }: { readonly lanes: number; readonly largestBytes: number },
): number | undefined {
  const roughCount = Math.ceil(sizeBytes / roughBytes);
  if (roughCount > lanes * MAX_EVEN_ROUNDS) return undefined;
  const over = roughCount % lanes;
  const counts =
    roughCount > lanes
      ? [roughCount - over + lanes, ...(over <= lanes / 2 ? [roughCount - over] : [])]
      : roughCount > 2 && sizeBytes <= (roughCount - 1) * roughBytes * MOST_GROWTH
        ? [roughCount - 1]
        : [];
  const sizes = counts.map((count) => Math.ceil(sizeBytes / count / GRAIN_BYTES) * GRAIN_BYTES);
  return over === 0 && roughCount > lanes
    ? undefined
    : sizes.find((bytes) => bytes >= MIN_PART_SIZE_BYTES && bytes <= largestBytes);
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

function partsOf(bytes: number): string {
  return `Parts of ${inMebibytes(bytes)}`;
}

function wholeMebibytes(bytes: number, mostBytes: number): number {
  return Math.min(mostBytes, Math.max(MIN_PART_SIZE_BYTES, Math.floor(bytes / MEBIBYTE) * MEBIBYTE));
}

function inMebibytes(bytes: number): string {
  return `${+(bytes / MEBIBYTE).toPrecision(3)} MiB`;
}
