import { describe, expect, it } from 'vitest';
import { formatBytes, parseByteRate, parseByteSize } from './byte-sizes.ts';

describe('parseByteSize', () => {
  it.each([
    ['1500', 1_500],
    ['40M', 40_000_000],
    ['40MB', 40_000_000],
    ['40m', 40_000_000],
    ['16MiB', 16_777_216],
    ['16 Mi', 16_777_216],
    ['2.5k', 2_500],
    ['1GiB', 1_073_741_824],
  ])('reads %s as %i', (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(['', '0', '-5M', 'M', '5X', '5MM', '1e6', 'five'])('refuses "%s"', (text) => {
    expect(() => parseByteSize(text)).toThrow(RangeError);
  });

  it('reads rates with and without their unit of time', () => {
    expect(parseByteRate('40M/s')).toBe(40_000_000);
    expect(parseByteRate('500k')).toBe(500_000);
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.00 kB'],
    [12_345_678, '12.3 MB'],
    [209_715_200, '210 MB'],
    [53_687_091_200_000, '53.7 TB'],
  ])('writes %i as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
