import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wishPartSize } from './part-size.ts';

const MIB = 1024 ** 2;

describe('wishPartSize', () => {
  it('keeps every connection busy twice over, as far as S3 lets it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 50 }),
        fc.integer({ min: 1, max: 256 }),
        fc.integer({ min: 5 * MIB, max: 64 * MIB }),
        (sizeBytes, concurrency, maxPartSizeBytes) => {
          const partSizeBytes = wishPartSize(sizeBytes, concurrency, maxPartSizeBytes);
          expect(partSizeBytes).toBeGreaterThanOrEqual(5 * MIB);
          expect(partSizeBytes).toBeLessThanOrEqual(maxPartSizeBytes);
          const isSmallest = partSizeBytes === 5 * MIB;
          expect(isSmallest || Math.ceil(sizeBytes / partSizeBytes) >= 2 * concurrency).toBe(true);
        },
      ),
    );
  });

  it.each([
    [200 * MIB, 8, 12 * MIB],
    [2_048 * MIB, 8, 16 * MIB],
    [20 * MIB, 8, 5 * MIB],
  ])('cuts %i bytes over %i connections into %i', (sizeBytes, concurrency, partSizeBytes) => {
    expect(wishPartSize(sizeBytes, concurrency, 16 * MIB)).toBe(partSizeBytes);
  });
});
