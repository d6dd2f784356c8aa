import { MIN_PART_SIZE_BYTES } from '@longhaul/protocol';
import { lanesFor } from './lanes.ts';
import { partsOf, type PlanFacts, type WishedPlan } from './wish-plan.ts';

/** More rounds than these end nearly together anyhow. */
const MAX_EVEN_ROUNDS = 16;

/** A last part so much smaller than the others is worth no request of its own, nor a connection. */
const MOST_GROWTH = 1.1;

/** Sizes that are multiples of this lie well on disks. */
const GRAIN_BYTES = 64 * 1024;

/**
 * Nearly the same plan, so that each connection has the same number of parts: the few that would be left over are sent while
 * the other connections idle. In a module of its own, because it is needed only once there is something to send.
 */
export function evenOut(
  wished: WishedPlan,
  { sizeBytes, concurrency, maxPartSizeBytes = Infinity }: PlanFacts,
): WishedPlan {
  const roughCount = Math.ceil(sizeBytes / wished.partSizeBytes);
  const count = countsFor(roughCount, sizeBytes / wished.partSizeBytes, concurrency).find((parts) => {
    const bytes = sizeIn(parts, sizeBytes);
    return bytes >= MIN_PART_SIZE_BYTES && bytes <= maxPartSizeBytes;
  });
  if (wished.isWhole || count === undefined) return wished;
  const partSizeBytes = sizeIn(count, sizeBytes);
  const lanes = lanesFor(count, concurrency);
  return {
    ...wished,
    partSizeBytes,
    reason: `${partsOf(partSizeBytes)}: as many for each of ${lanes} connections.`,
  };
}

/** Numbers of parts that are better than the rough one, best first. */
function countsFor(roughCount: number, wantedCount: number, concurrency: number): readonly number[] {
  const lanes = lanesFor(roughCount, concurrency);
  if (roughCount > lanes * MAX_EVEN_ROUNDS) return [];
  const over = roughCount % lanes;
  if (roughCount > lanes)
    return over === 0 ? [] : [roughCount - over + lanes, ...(over <= lanes / 2 ? [roughCount - over] : [])];
  const fewer = roughCount - 1;
  return fewer > 1 && wantedCount <= fewer * MOST_GROWTH ? [fewer] : [];
}

function sizeIn(count: number, sizeBytes: number): number {
  return Math.ceil(sizeBytes / count / GRAIN_BYTES) * GRAIN_BYTES;
}
