import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  closePlan,
  DEFAULT_PART_SIZE_BYTES,
  fitsPlan,
  MAX_OBJECT_SIZE_BYTES,
  MAX_PART_SIZE_BYTES,
  MAX_PARTS,
  MIN_PART_SIZE_BYTES,
  type PartPlanLimits,
  partRange,
  partRanges,
  planOpen,
  planParts,
} from './index.ts';

const MEBIBYTE = 1024 ** 2;
const GIBIBYTE = 1024 ** 3;

// Evenly drawn sizes are nearly all huge: a shift of the exponent makes small and middle ones as likely.
const size: fc.Arbitrary<number> = fc.oneof(
  fc.integer({ min: 0, max: MAX_OBJECT_SIZE_BYTES }),
  fc
    .integer({ min: 0, max: 46 })
    .chain((bits) => fc.integer({ min: 0, max: Math.min(2 ** bits, MAX_OBJECT_SIZE_BYTES) })),
  // One byte around every multiple of a part, where counting goes wrong.
  fc
    .tuple(
      fc.integer({ min: 1, max: MAX_PARTS }),
      fc.integer({ min: 5, max: 5 * 1024 }),
      fc.integer({ min: -1, max: 1 }),
    )
    .map(([count, mebibytes, off]) => Math.min(count * mebibytes * MEBIBYTE + off, MAX_OBJECT_SIZE_BYTES)),
);

// Anything that a client or a configuration may send as a number.
const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.integer({ min: -MEBIBYTE, max: 6 * GIBIBYTE }),
  fc.double({ min: 1, max: 64 * MEBIBYTE, noNaN: true }),
  fc.constantFrom(
    0,
    -0,
    1,
    Number.NaN,
    Infinity,
    -Infinity,
    Number.MAX_SAFE_INTEGER,
    MIN_PART_SIZE_BYTES,
    MAX_PART_SIZE_BYTES,
  ),
);

const limits: fc.Arbitrary<PartPlanLimits> = fc.record(
  {
    minPartSizeBytes: anyNumber,
    maxPartSizeBytes: anyNumber,
    maxParts: fc.oneof(anyNumber, fc.integer({ min: 1, max: 20_000 })),
  },
  { requiredKeys: [] },
);

const plan = fc
  .tuple(size, fc.option(anyNumber, { nil: undefined }), fc.option(limits, { nil: undefined }))
  .map(([sizeBytes, wish, given]) => planParts(sizeBytes, wish, given));

describe('planParts', () => {
  it('covers any size with 1 to 10,000 parts that S3 accepts, whatever is wished for', () => {
    fc.assert(
      fc.property(plan, ({ sizeBytes, partSizeBytes, partCount }) => {
        expect(Number.isSafeInteger(partSizeBytes)).toBe(true);
        expect(partSizeBytes).toBeGreaterThanOrEqual(MIN_PART_SIZE_BYTES);
        expect(partSizeBytes).toBeLessThanOrEqual(MAX_PART_SIZE_BYTES);
        expect(partCount).toBeGreaterThanOrEqual(1);
        expect(partCount).toBeLessThanOrEqual(MAX_PARTS);
        // The last part: never negative, never empty but for an empty upload, never larger than the others.
        const lastBytes = sizeBytes - (partCount - 1) * partSizeBytes;
        expect(lastBytes).toBeGreaterThanOrEqual(sizeBytes === 0 ? 0 : 1);
        expect(lastBytes).toBeLessThanOrEqual(partSizeBytes);
      }),
      { numRuns: 5_000 },
    );
  });

  it('gives the wished size whenever it lies within the limits and fits 10,000 parts', () => {
    const wish = fc.integer({ min: MIN_PART_SIZE_BYTES, max: MAX_PART_SIZE_BYTES });
    fc.assert(
      fc.property(size, wish, (sizeBytes, wished) => {
        fc.pre(Math.ceil(sizeBytes / wished) <= MAX_PARTS);
        expect(planParts(sizeBytes, wished).partSizeBytes).toBe(wished);
      }),
    );
  });

  it('keeps to its own limits unless 10,000 parts need more', () => {
    const given = fc.record({
      minPartSizeBytes: fc.integer({ min: MIN_PART_SIZE_BYTES, max: 50 * MEBIBYTE }),
      maxPartSizeBytes: fc.integer({ min: 50 * MEBIBYTE, max: 500 * MEBIBYTE }),
      maxParts: fc.integer({ min: 100, max: MAX_PARTS }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5 * GIBIBYTE }), anyNumber, given, (sizeBytes, wish, own) => {
        const { partSizeBytes, partCount } = planParts(sizeBytes, wish, own);
        expect(partSizeBytes).toBeGreaterThanOrEqual(own.minPartSizeBytes);
        expect(partCount).toBeLessThanOrEqual(own.maxParts);
        if (sizeBytes <= own.maxParts * own.maxPartSizeBytes - MEBIBYTE * own.maxParts) {
          expect(partSizeBytes).toBeLessThanOrEqual(own.maxPartSizeBytes);
        }
      }),
    );
  });

  it.each([
    ['0 B is one empty part', 0, undefined, { partSizeBytes: DEFAULT_PART_SIZE_BYTES, partCount: 1 }],
    ['1 B', 1, undefined, { partSizeBytes: DEFAULT_PART_SIZE_BYTES, partCount: 1 }],
    ['exactly one part', 5 * MEBIBYTE, 5 * MEBIBYTE, { partSizeBytes: 5 * MEBIBYTE, partCount: 1 }],
    ['one byte more', 5 * MEBIBYTE + 1, 5 * MEBIBYTE, { partSizeBytes: 5 * MEBIBYTE, partCount: 2 }],
    ['a wish below the minimum', 20 * MEBIBYTE, 1, { partSizeBytes: 5 * MEBIBYTE, partCount: 4 }],
    ['a wish that is no number', 20 * MEBIBYTE, Number.NaN, { partSizeBytes: 16 * MEBIBYTE, partCount: 2 }],
    [
      'a wish with a fraction',
      20 * MEBIBYTE,
      5 * MEBIBYTE + 0.5,
      { partSizeBytes: 5 * MEBIBYTE, partCount: 4 },
    ],
    [
      '10,000 parts exactly',
      10_000 * 16 * MEBIBYTE,
      undefined,
      { partSizeBytes: 16 * MEBIBYTE, partCount: 10_000 },
    ],
    [
      'one byte more than 10,000 parts',
      10_000 * 16 * MEBIBYTE + 1,
      undefined,
      { partSizeBytes: 17 * MEBIBYTE, partCount: 9_412 },
    ],
    ['48.8 TiB', MAX_OBJECT_SIZE_BYTES, 1, { partSizeBytes: MAX_PART_SIZE_BYTES, partCount: 10_000 }],
  ])('%s', (_name, sizeBytes, wish, expected) => {
    expect(planParts(sizeBytes, wish)).toEqual({ sizeBytes, ...expected });
  });

  it.each([-1, 0.5, Number.NaN, Infinity, MAX_OBJECT_SIZE_BYTES + 1])('refuses a size of %s', (sizeBytes) => {
    expect(() => planParts(sizeBytes)).toThrow(RangeError);
  });
});

describe('partRange', () => {
  it('lays every part where the one before it ends, up to the last byte', () => {
    fc.assert(
      fc.property(plan, (given) => {
        let endBytes = 0;
        for (let partNumber = 1; partNumber <= given.partCount; partNumber += 1) {
          const range = partRange(given, partNumber);
          if (range.partNumber !== partNumber || range.offsetBytes !== endBytes) return false;
          if (partNumber < given.partCount && range.sizeBytes !== given.partSizeBytes) return false;
          endBytes += range.sizeBytes;
        }
        return endBytes === given.sizeBytes;
      }),
    );
  });

  it.each([0, -1, 1.5, 4, Number.NaN])('refuses part %s of a plan of three', (partNumber) => {
    expect(() => partRange(planParts(11 * MEBIBYTE, 5 * MEBIBYTE), partNumber)).toThrow(RangeError);
  });
});

describe('partRanges', () => {
  it('names every part of a plan once, in order', () => {
    const short = plan.filter(({ partCount }) => partCount <= 2_000);
    fc.assert(
      fc.property(short, (given) => {
        const numbers = Array.from({ length: given.partCount }, (_, index) => index + 1);
        expect(partRanges(given)).toEqual(numbers.map((partNumber) => partRange(given, partNumber)));
      }),
    );
  });
});

describe('planOpen', () => {
  const open = fc
    .tuple(anyNumber, limits, fc.record({ equalParts: fc.boolean(), maxSizeBytes: size }))
    .map(([wish, own, wanted]) => planOpen(wish, own, wanted));
  const closed = fc
    .tuple(open, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([rule, share]) => closePlan(rule, Math.floor(rule.maxSizeBytes * share)));

  it('takes whatever size up to its maximum, in parts that S3 takes, every byte once', () => {
    fc.assert(
      fc.property(closed, (plan) => {
        let endBytes = 0;
        for (const { partNumber, offsetBytes, sizeBytes } of partRanges(plan)) {
          expect(offsetBytes).toBe(endBytes);
          if (partNumber < plan.partCount) expect(sizeBytes).toBeGreaterThanOrEqual(MIN_PART_SIZE_BYTES);
          expect(sizeBytes).toBeLessThanOrEqual(MAX_PART_SIZE_BYTES);
          endBytes += sizeBytes;
        }
        expect(endBytes).toBe(plan.sizeBytes);
        expect(plan.partCount).toBeLessThanOrEqual(MAX_PARTS);
      }),
      { numRuns: 50 },
    );
  });

  it('gives every part the size that it keeps when the end is known, but the last', () => {
    fc.assert(
      fc.property(open, fc.double({ min: 0, max: 1, noNaN: true }), (rule, share) => {
        const plan = closePlan(rule, Math.floor(rule.maxSizeBytes * share));
        expect(plan.partCount).toBeLessThanOrEqual(Math.max(1, rule.maxPartCount));
        for (const partNumber of [1, 2, Math.ceil(plan.partCount / 2), plan.partCount - 1]) {
          if (partNumber < 1 || partNumber >= plan.partCount) continue;
          expect(partRange(rule, partNumber)).toEqual(partRange(plan, partNumber));
        }
        const last = partRange(plan, plan.partCount);
        expect(fitsPlan(rule, last) && fitsPlan(plan, last)).toBe(true);
        expect(fitsPlan(plan, { ...last, sizeBytes: last.sizeBytes + 1 })).toBe(false);
        expect(fitsPlan(rule, { ...last, partNumber: rule.maxPartCount + 1 })).toBe(false);
      }),
    );
  });

  it.each([
    ['parts of one size', { equalParts: true }, 10_000 * 16 * MEBIBYTE, 10_000],
    ['parts that double', {}, (1_023 - 512) * 1_000 * 16 * MEBIBYTE + 1_000 * MAX_PART_SIZE_BYTES, 10_000],
    ['a maximum below that', { maxSizeBytes: 33 * MEBIBYTE }, 33 * MEBIBYTE, 3],
  ])('says how far it reaches: %s', (_name, wanted, maxSizeBytes, maxPartCount) => {
    expect(planOpen(undefined, {}, wanted)).toMatchObject({ maxSizeBytes, maxPartCount });
  });

  it('reaches 5 TiB from the default size where sizes may double', () => {
    expect(planOpen().maxSizeBytes).toBeGreaterThan(5 * 1024 ** 4);
  });
});
