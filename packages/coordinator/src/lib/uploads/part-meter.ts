import type { OpenPlan, PartPlan, Receipt } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import type { Metrics } from '../ports/metrics.ts';
import { labelOfCode } from './part-error-codes.ts';

/** Counts the parts that clients have stored, as their receipts tell. */
export interface PartMeter {
  /** Receipts of parts that nobody has reported before. */
  count(
    upload: {
      readonly uploadId: string;
      readonly createdAtEpochMs: number;
      readonly plan: PartPlan | OpenPlan;
    },
    receipts: readonly Receipt[],
  ): void;
}

/** No line is faster: 100 Gbit/s. */
const FASTEST_BYTES_PER_MS = 12_500_000;

/** Clocks of a client, of the catalog and of this process need not agree. */
const CLOCK_SKEW_MS = 60_000;

/** A part that takes longer counts as this: one figure moves a sum by so much at most. */
const LONGEST_MS = 3_600_000;

/** Parts whose ETag was hidden, so that only this memory knows them. */
const REMEMBERED_PARTS = 10_000;

/** Uploads of which it is known how many of their parts were counted; those that report are kept. */
const REMEMBERED_UPLOADS = 50_000;

/** A part that was damaged is stored once more. Who makes up new ETags for ever adds no more than this for each of its parts. */
const MOST_COUNTS_OF_A_PART = 2;

const SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900];
const MIB = 1024 ** 2;
const SIZES = [1, 5, 8, 16, 32, 64, 100, 256, 512, 1024, 5120].map((mebibytes) => mebibytes * MIB);

/**
 * A client may write anything into its receipts. What is counted is bounded: sizes are those of the plan, a duration is
 * counted if the part could have travelled in it, codes that are not well known are one label, and an upload adds at most so
many parts as its plan has, twice.
 */
export function createPartMeter(
  metrics: Metrics,
  { bucket, clock }: { readonly bucket: string; readonly clock: Clock },
): PartMeter {
  const figures = figuresOf(metrics);
  const isRepeated = createMemory(REMEMBERED_PARTS);
  const countOf = createTally(REMEMBERED_UPLOADS);
  return {
    count({ uploadId, createdAtEpochMs, plan }, receipts) {
      const most = MOST_COUNTS_OF_A_PART * (plan.sizeBytes === null ? plan.maxPartCount : plan.partCount);
      const ageMs = clock.nowEpochMs() - createdAtEpochMs;
      for (const { partNumber, sizeBytes, etag, durationMs, errorCodes = [] } of receipts) {
        if (etag === undefined && isRepeated(`${uploadId}/${partNumber}`)) continue;
        if (countOf(uploadId) > most) return;
        figures.success.add(1, { bucket });
        figures.size.observe(sizeBytes, { bucket });
        if (isPlausible(durationMs, sizeBytes, ageMs))
          figures.duration.observe(Math.min(durationMs, LONGEST_MS) / 1000, { bucket });
        for (const code of errorCodes) figures.error.add(1, { bucket, error_code: labelOfCode(code) });
      }
    },
  };
}

function figuresOf(metrics: Metrics) {
  const labelNames = ['bucket'];
  return {
    duration: metrics.histogram({
      name: 'longhaul_s3_upload_part_duration_seconds',
      help: 'Time from a client beginning to send a part to the store having it, retries included.',
      labelNames,
      buckets: SECONDS,
    }),
    size: metrics.histogram({
      name: 'longhaul_s3_upload_part_size_bytes',
      help: 'Sizes of the parts that clients have stored.',
      labelNames,
      buckets: SIZES,
    }),
    success: metrics.counter({
      name: 'longhaul_s3_upload_part_success_total',
      help: 'Parts that clients have stored.',
      labelNames,
    }),
    error: metrics.counter({
      name: 'longhaul_s3_upload_part_error_total',
      help: 'Attempts to send a part that failed before one went through, by the error code met.',
      labelNames: ['bucket', 'error_code'],
    }),
  } as const;
}

function isPlausible(durationMs: number | undefined, sizeBytes: number, ageMs: number): durationMs is number {
  return (
    durationMs !== undefined &&
    durationMs >= Math.floor(sizeBytes / FASTEST_BYTES_PER_MS) &&
    durationMs <= Math.max(0, ageMs) + CLOCK_SKEW_MS
  );
}

/** Whether a name was seen before, among so many. */
function createMemory(size: number): (name: string) => boolean {
  const seen = new Set<string>();
  return (name) => {
    if (seen.has(name)) return true;
    seen.add(name);
    const [oldest] = seen;
    if (seen.size > size && oldest !== undefined) seen.delete(oldest);
    return false;
  };
}

/** How often a name was asked for, this time included; of so many names that were asked for last. */
function createTally(size: number): (name: string) => number {
  const counts = new Map<string, number>();
  return (name) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.delete(name);
    counts.set(name, count);
    const [oldest] = counts.keys();
    if (counts.size > size && oldest !== undefined) counts.delete(oldest);
    return count;
  };
}
