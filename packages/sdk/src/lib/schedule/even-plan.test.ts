import { planParts } from '@longhaul/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { evenOut } from './even-plan.ts';
import { lanesFor } from './lanes.ts';
import { type PlanFacts, wishPlan } from './wish-plan.ts';

const MIB = 1024 ** 2;
const plan = (facts: PlanFacts) => evenOut(wishPlan(facts), facts);

it.each([
  // What is left over has no request of its own, if the others hardly grow by it.
  [16, 3, 3],
  [14, 3, 3],
  // One round instead of one and a bit.
  [32, 6, 6],
  [40, 6, 6],
  // Most connections have work in the last round as well.
  [48, 10, 6],
  // Four rounds instead of four and two parts.
  [128, 24, 6],
  [256, 30, 6],
  [1_024, 66, 6],
])('cuts %i MiB into %i parts over %i of 6 connections', (sizeMib, parts, lanes) => {
  const sizeBytes = sizeMib * MIB;
  const { partSizeBytes, reason } = plan({ sizeBytes, concurrency: 6 });
  expect(planParts(sizeBytes, partSizeBytes).partCount).toBe(parts);
  expect(lanesFor(parts, 6)).toBe(lanes);
  if (partSizeBytes > 5 * MIB) expect(reason).toContain(`as many for each of ${lanes} connections`);
});

it('gives no connection more to do than the busiest had before, and makes no part that S3 or the caller does not take', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 5 * MIB, max: 2 ** 34 }),
      fc.integer({ min: 1, max: 32 }),
      fc.option(fc.integer({ min: 5 * MIB, max: 64 * MIB }), { nil: undefined }),
      (sizeBytes, concurrency, maxPartSizeBytes) => {
        const facts = { sizeBytes, concurrency, maxPartSizeBytes };
        const mostBytes = (bytes: number): number => {
          const count = Math.ceil(sizeBytes / bytes);
          return Math.ceil(count / lanesFor(count, concurrency)) * bytes;
        };
        const { partSizeBytes } = plan(facts);
        expect(mostBytes(partSizeBytes)).toBeLessThanOrEqual(1.12 * mostBytes(wishPlan(facts).partSizeBytes));
        expect(partSizeBytes).toBeGreaterThanOrEqual(5 * MIB);
        expect(partSizeBytes).toBeLessThanOrEqual(maxPartSizeBytes ?? 64 * MIB);
      },
    ),
    { numRuns: 1_000 },
  );
});

it('leaves one PUT what it is', () => {
  const facts = { sizeBytes: 16 * MIB, concurrency: 8, bytesPerSecond: 32 * MIB };
  expect(plan(facts)).toEqual(wishPlan(facts));
});
