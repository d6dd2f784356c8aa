import { createHash, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fingerprintOf } from './fingerprint.ts';
import type { ByteSource } from './ports/byte-source.ts';
import { createBlobSource } from './sources/blob-source.ts';
import { createBytesSource } from './sources/bytes-source.ts';

const SAMPLE_BYTES = 65_536;

/** A source of any size that remembers what was read of it. */
function sparseSource(sizeBytes: number): {
  source: ByteSource;
  reads: [offsetBytes: number, readBytes: number][];
} {
  const reads: [number, number][] = [];
  const source: ByteSource = {
    sizeBytes,
    async read(offsetBytes, readBytes) {
      reads.push([offsetBytes, readBytes]);
      return new Uint8Array(readBytes);
    },
    verify: async () => {},
    close: async () => {},
  };
  return { source, reads };
}

describe('fingerprintOf', () => {
  it('looks at the first bytes, the last ones, and eight places in even steps between them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10 * SAMPLE_BYTES, max: 53_687_091_200_000 }), async (sizeBytes) => {
        const { source, reads } = sparseSource(sizeBytes);
        await fingerprintOf(source);
        const sampleBytes = Math.min(SAMPLE_BYTES, sizeBytes);
        const offsets = reads.map(([offsetBytes]) => offsetBytes);
        expect(reads).toEqual(offsets.map((offsetBytes) => [offsetBytes, sampleBytes]));
        expect([offsets.length, offsets[0], offsets.at(-1)]).toEqual([10, 0, sizeBytes - sampleBytes]);
        const steps = offsets.slice(1).map((offset, index) => offset - offsets[index]!);
        expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
      }),
      { numRuns: 50 },
    );
  });

  it.each([[0], [1], [10_240], [SAMPLE_BYTES], [300_000], [9 * SAMPLE_BYTES], [9 * SAMPLE_BYTES + 1]])(
    'is made of the same ten samples for %i bytes, of which nothing is missed',
    async (sizeBytes) => {
      const bytes = new Uint8Array(randomBytes(sizeBytes));
      const sampleBytes = Math.min(SAMPLE_BYTES, sizeBytes);
      const hash = createHash('sha256').update(`${sizeBytes}\n`);
      for (let index = 0; index < 10; index++) {
        const offset = Math.floor(((sizeBytes - sampleBytes) * index) / 9);
        hash.update(bytes.subarray(offset, offset + sampleBytes));
      }
      expect(await fingerprintOf(createBytesSource(bytes))).toBe(hash.digest('hex'));
    },
  );

  it('misses no change of a content up to ten samples long, whatever it is read from', async () => {
    const content = fc.uint8Array({ minLength: 1, maxLength: 4_000 });
    await fc.assert(
      fc.asyncProperty(content, fc.nat(), fc.integer({ min: 1, max: 255 }), async (bytes, place, change) => {
        const at = place % bytes.length;
        const other = bytes.with(at, bytes[at]! ^ change);
        const print = await fingerprintOf(createBytesSource(bytes));
        expect(await fingerprintOf(createBlobSource(new Blob([new Uint8Array(bytes)])))).toBe(print);
        expect(await fingerprintOf(createBytesSource(other))).not.toBe(print);
        expect(await fingerprintOf(createBytesSource(bytes.subarray(1)))).not.toBe(print);
      }),
      { numRuns: 100 },
    );
  });

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
