import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lanesAtFirst, lanesFor } from './lanes.ts';

it.each([
  [1, 1, 1],
  [2, 2, 2],
  [4, 2, 4],
  [6, 2, 6],
  [7, 2, 7],
  [10, 3, 6],
  [12, 6, 6],
  [24, 6, 6],
  [64, 8, 8],
])('begins %i parts over %i of at most %i connections', (parts, first, most) => {
  expect([lanesAtFirst(parts, 8), lanesFor(parts, 8)]).toEqual([first, most]);
});

it('never begins with more connections than there will be, nor with none', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 64 }), (parts, maxWidth) => {
      const [first, most] = [lanesAtFirst(parts, maxWidth), lanesFor(parts, maxWidth)];
      expect(first).toBeGreaterThanOrEqual(1);
      expect(first).toBeLessThanOrEqual(most);
      expect(most).toBeLessThanOrEqual(Math.min(parts, maxWidth));
    }),
  );
});
