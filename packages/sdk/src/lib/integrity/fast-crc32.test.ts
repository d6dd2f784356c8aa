import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFastCrc32 } from './fast-crc32.ts';
import type { Hash } from './hash.ts';

function digestOf(hash: Hash | undefined, ...pieces: readonly Uint8Array[]): string | undefined {
  for (const piece of pieces) hash?.update(piece);
  return hash && Buffer.from(hash.digest()).toString('hex');
}

function zlibOf(...pieces: readonly Uint8Array[]): string {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(Buffer.concat(pieces)));
  return value.toString('hex');
}

const bytes = Uint8Array.from({ length: 700_001 }, (_, index) => (index * 2_654_435_761) >>> 13);

// More and fewer than are folded, cut anywhere, at any place in memory.
const pieces = fc.array(
  fc.tuple(fc.nat(20_000), fc.nat(9_000)).map(([start, size]) => bytes.subarray(start, start + size)),
  { maxLength: 5 },
);

describe('the CRC32 in WebAssembly', () => {
  it('is the one of zlib', () => {
    fc.assert(
      fc.property(pieces, (cut) => {
        expect(digestOf(createFastCrc32(), ...cut)).toBe(zlibOf(...cut));
      }),
    );
  });

  it('takes more than its memory holds', () => {
    expect(digestOf(createFastCrc32(), bytes)).toBe(zlibOf(bytes));
  });

  it('keeps digests apart that are under way together', () => {
    const [one, other] = [createFastCrc32(), createFastCrc32()];
    one?.update(bytes.subarray(0, 100_000));
    expect(digestOf(other, bytes.subarray(7))).toBe(zlibOf(bytes.subarray(7)));
    expect(digestOf(one, bytes.subarray(100_000))).toBe(zlibOf(bytes));
  });
});
