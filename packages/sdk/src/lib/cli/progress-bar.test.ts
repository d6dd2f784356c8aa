import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderBar, renderPlain } from './progress-bar.ts';

const HALF = { sentBytes: 5e6, totalBytes: 1e7, bytesPerSecond: 1e6, etaSeconds: 5 };

describe('renderBar', () => {
  it('shows how far it is', () => {
    expect(renderBar(HALF, 'film.mp4', 80)).toBe(
      'film.mp4 ████████░░░░░░░░  50 % 5.00 MB of 10.0 MB, 1.00 MB/s, 5 s left',
    );
  });

  it('never takes more columns than there are, and is full only at the end', () => {
    const progress = fc
      .record({
        totalBytes: fc.integer({ min: 0, max: 1e15 }),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      })
      .map(({ totalBytes, share }) => ({
        totalBytes,
        sentBytes: Math.floor(totalBytes * share),
        bytesPerSecond: 123_456,
        etaSeconds: 98_765,
      }));
    fc.assert(
      fc.property(
        progress,
        fc.string({ maxLength: 200 }),
        fc.integer({ min: 85, max: 300 }),
        (one, label, columns) => {
          const line = renderBar(one, label.replaceAll(/[█░]/g, ''), columns);
          expect(Array.from(line).length).toBeLessThanOrEqual(columns);
          expect(line.includes('100 %')).toBe(one.sentBytes === one.totalBytes);
        },
      ),
    );
  });

  it('cuts a long label at its beginning', () => {
    expect(renderBar(HALF, `${'x'.repeat(100)}.mp4`, 80)).toMatch(/^…x*\.mp4 █/);
  });
});

describe('renderPlain', () => {
  it('leaves out what is not known, or over', () => {
    expect(renderPlain({ ...HALF, bytesPerSecond: 0, etaSeconds: undefined })).toBe(
      '50 % 5.00 MB of 10.0 MB',
    );
    expect(renderPlain({ ...HALF, sentBytes: 1e7 })).toBe('100 % 10.0 MB of 10.0 MB');
    expect(renderPlain({ ...HALF, etaSeconds: 3_725 })).toContain('1 h 2 min left');
  });
});
