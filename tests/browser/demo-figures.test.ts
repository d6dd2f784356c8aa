import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layoutCells } from '../../tools/demo/page/cell-layout.ts';
import { formatBytes, formatDuration, formatPercent } from '../../tools/demo/page/format.ts';

describe('figures of the demo page', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [12_345_678, '12.3 MB'],
    [99_960_000, '100 MB'],
    [53_687_091_200_000, '53.7 TB'],
  ])('writes %i bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0.2, '1 s'],
    [59.5, '1 min 0 s'],
    [61, '1 min 1 s'],
    [3_599, '59 min 59 s'],
    [3_600, '1 h 0 min'],
    [7_140, '1 h 59 min'],
    [7_199, '2 h 0 min'],
  ])('writes %f seconds as %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));

  it('says 100 % only of the whole', () => {
    expect(formatPercent(999_999, 1_000_000)).toBe('99 %');
    expect(formatPercent(5, 5)).toBe('100 %');
    expect(formatPercent(0, 0)).toBe('0 %');
  });
});

describe('layoutCells', () => {
  const parts = fc.integer({ min: 1, max: 10_000 });
  const width = fc.integer({ min: 200, max: 2_000 });

  it('has a place for every part, within the width, in cells that can be told apart', () => {
    fc.assert(
      fc.property(parts, width, (partCount, widthPx) => {
        const layout = layoutCells(partCount, widthPx);
        const { columns, rows, cellCount, partsPerCell, cellWidthPx, gapPx, heightPx } = layout;
        expect(cellCount * partsPerCell).toBeGreaterThanOrEqual(partCount);
        expect((cellCount - 1) * partsPerCell).toBeLessThan(partCount);
        expect(columns * rows).toBeGreaterThanOrEqual(cellCount);
        expect(columns * cellWidthPx + (columns - 1) * gapPx).toBeCloseTo(widthPx);
        expect(cellWidthPx).toBeGreaterThanOrEqual(5);
        expect(heightPx).toBeLessThanOrEqual(110);
      }),
    );
  });

  it('gives each of a thousand parts its own cell, on a phone too', () => {
    expect(layoutCells(900, 300).partsPerCell).toBe(1);
    expect(layoutCells(1_000, 340).partsPerCell).toBe(1);
  });

  it('uses one row as long as that is readable', () => {
    expect(layoutCells(12, 300).rows).toBe(1);
  });
});
