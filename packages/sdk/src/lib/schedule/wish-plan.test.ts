import { MAX_OBJECT_SIZE_BYTES, planParts } from '@longhaul/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reasonOf, wishPlan } from './wish-plan.ts';

const MIB = 1024 ** 2;

describe('wishPlan', () => {
  it('keeps every connection busy four times over, as far as S3 lets it, whatever was measured', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 50 }),
        fc.integer({ min: 1, max: 256 }),
        fc.option(fc.integer({ min: 5 * MIB, max: 64 * MIB }), { nil: undefined }),
        fc.option(fc.double({ min: 0, max: 1e10, noNaN: true }), { nil: undefined }),
        (sizeBytes, concurrency, maxPartSizeBytes, bytesPerSecond) => {
          const { partSizeBytes, isWhole, reason } = wishPlan({
            sizeBytes,
            concurrency,
            maxPartSizeBytes,
            bytesPerSecond,
          });
          expect(partSizeBytes).toBeGreaterThanOrEqual(5 * MIB);
          expect(partSizeBytes).toBeLessThanOrEqual(maxPartSizeBytes ?? 64 * MIB);
          const isSmallest = partSizeBytes === 5 * MIB;
          expect(isSmallest || isWhole || Math.ceil(sizeBytes / partSizeBytes) >= 4 * concurrency).toBe(true);
          expect(isWhole).toBe(isWhole && sizeBytes <= (maxPartSizeBytes ?? 64 * MIB));
          expect(reason).toMatch(/^[A-Z].*\.$/);
        },
      ),
    );
  });

  it('comes to a plan that S3 takes, for every size there is', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: MAX_OBJECT_SIZE_BYTES }),
        fc.option(fc.integer({ min: 1, max: 1e10 }), { nil: undefined }),
        (sizeBytes, bytesPerSecond) => {
          const { partSizeBytes } = wishPlan({ sizeBytes, concurrency: 8, bytesPerSecond });
          expect(planParts(sizeBytes, partSizeBytes).partCount).toBeLessThanOrEqual(10_000);
        },
      ),
    );
  });

  it.each([
    [400, {}, 12, '4 parts for each of 8 connections.'],
    [2_048, {}, 16, 'until the line is measured.'],
    [128, {}, 5, 'the least that S3 takes.'],
    [2_048, { maxPartSizeBytes: 32 * MIB }, 32, 'the most that the caller allows.'],
    [20_480, { bytesPerSecond: 64 * MIB }, 32, '4 s for each of 8 connections at 64 MiB/s.'],
    [20_480, { bytesPerSecond: 4_000 * MIB }, 64, '4 s for'],
    [20_480, { bytesPerSecond: MIB / 4 }, 5, '4 s for each of 8 connections at 0.25 MiB/s.'],
  ])('cuts %i MiB, knowing %j, into %i MiB: %s', (sizeMib, facts, partMib, reason) => {
    const wished = wishPlan({ sizeBytes: sizeMib * MIB, concurrency: 8, ...facts });
    expect(wished.partSizeBytes).toBe(partMib * MIB);
    expect(wished.reason).toContain(`Parts of ${partMib} MiB: `);
    expect(wished.reason).toContain(reason);
  });

  it('cuts what is held in memory into no larger parts on a fast line, and into whole ones without an end', () => {
    const facts = { concurrency: 8, bytesPerSecond: 4_000 * MIB, isHeld: true };
    for (const sizeBytes of [Infinity, 2 ** 40]) {
      expect(wishPlan({ ...facts, sizeBytes })).toMatchObject({
        partSizeBytes: 16 * MIB,
        isWhole: false,
        reason: expect.stringContaining('held in memory'),
      });
    }
  });

  it('sends in one PUT what is one part, and in several what a slow line would carry for minutes', () => {
    expect(wishPlan({ sizeBytes: 5 * MIB, concurrency: 8 }).isWhole).toBe(true);
    expect(wishPlan({ sizeBytes: 5 * MIB + 1, concurrency: 8 }).isWhole).toBe(false);
    expect(wishPlan({ sizeBytes: 16 * MIB, concurrency: 8, bytesPerSecond: 32 * MIB }).isWhole).toBe(true);
    expect(wishPlan({ sizeBytes: 16 * MIB, concurrency: 8, bytesPerSecond: MIB }).isWhole).toBe(false);
  });
});

describe('reasonOf', () => {
  const wished = wishPlan({ sizeBytes: 400 * MIB, concurrency: 8 });

  it('is the reason of the wish, where that was granted', () => {
    expect(reasonOf(wished, planParts(400 * MIB, 12 * MIB), false)).toBe(wished.reason);
  });

  it('says who has decided, where it was not', () => {
    expect(reasonOf(wished, planParts(400 * MIB, 20 * MIB), false)).toMatch(/20 MiB: the coordinator/);
    expect(reasonOf(wished, planParts(400 * MIB, 12 * MIB), true)).toMatch(/12 MiB: planned when/);
  });
});
