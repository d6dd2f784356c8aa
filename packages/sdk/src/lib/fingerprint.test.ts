import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf, sampleOffsets } from './fingerprint.ts';
import { createBytesSource } from './sources/bytes-source.ts';

const SAMPLE_BYTES = 65_536;

describe('sampleOffsets', () => {
  it('leads from the first byte to the last sample in even steps', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 53_687_091_200_000 }), (lastOffsetBytes) => {
        const offsets = sampleOffsets(lastOffsetBytes);
        expect(offsets).toHaveLength(10);
        expect([offsets[0], offsets.at(-1)]).toEqual([0, lastOffsetBytes]);
        const steps = offsets.slice(1).map((offset, index) => offset - offsets[index]!);
        expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
        // Up to ten samples nothing is missed.
        if (lastOffsetBytes <= 9 * SAMPLE_BYTES) expect(Math.max(...steps)).toBeLessThanOrEqual(SAMPLE_BYTES);
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
