import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, sampleRanges } from './fingerprint.ts';
import { createBytesSource } from './sources/bytes-source.ts';

describe('sampleRanges', () => {
  it('lies within the content, begins with its first byte and ends with its last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 53_687_091_200_000 }), (totalBytes) => {
        const ranges = sampleRanges(totalBytes);
        expect(ranges[0]?.offsetBytes).toBe(0);
        const last = ranges.at(-1);
        expect((last?.offsetBytes ?? 0) + (last?.sizeBytes ?? 0)).toBe(totalBytes);
        const sampledBytes = ranges.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        expect(sampledBytes).toBe(Math.min(totalBytes, 655_360));
        for (const { offsetBytes } of ranges) expect(Number.isSafeInteger(offsetBytes)).toBe(true);
      }),
    );
  });
});

describe('fingerprintOf', () => {
  it('tells sizes and contents apart, and knows the same again', async () => {
    const contents = [
      new Uint8Array(0),
      new Uint8Array(1),
      new Uint8Array(1_000_000),
      new Uint8Array(1_000_001),
    ];
    contents.push(contents[2]!.with(0, 1), contents[2]!.with(999_999, 1), contents[2]!.with(104_000, 1));
    const prints = await Promise.all(contents.map((bytes) => fingerprintOf(createBytesSource(bytes))));
    expect(new Set(prints).size).toBe(contents.length);
    expect(await fingerprintOf(createBytesSource(new Uint8Array(1)))).toBe(prints[1]);
    expect(prints[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});
