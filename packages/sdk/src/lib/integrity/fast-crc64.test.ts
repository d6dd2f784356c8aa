import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCrc64 } from './crc64.ts';
import { createFastCrc64 } from './fast-crc64.ts';
import type { Hash } from './hash.ts';

function digestOf(hash: Hash | undefined, ...pieces: readonly Uint8Array[]): string | undefined {
  for (const piece of pieces) hash?.update(piece);
  return hash && Buffer.from(hash.digest()).toString('base64');
}

// Cut anywhere, at any place in memory.
const pieces = fc.array(
  fc.uint8Array({ maxLength: 200 }).chain((bytes) => fc.nat(17).map((start) => bytes.subarray(start))),
  { maxLength: 5 },
);

describe('the CRC64NVME in WebAssembly', () => {
  it('is the one of the tables', () => {
    fc.assert(
      fc.property(pieces, (cut) => {
        expect(digestOf(createFastCrc64(), ...cut)).toBe(digestOf(createCrc64(), ...cut));
      }),
    );
  });

  it('takes more than its memory holds', () => {
    const bytes = Uint8Array.from({ length: 700_001 }, (_, index) => index * 31);
    expect(digestOf(createFastCrc64(), bytes)).toBe(digestOf(createCrc64(), bytes));
  });

  it('keeps digests apart that are under way together', () => {
    const [one, other] = [createFastCrc64(), createFastCrc64()];
    one?.update(Buffer.from('1234'));
    expect(digestOf(other, Buffer.from('123456789'))).toBe('rosUhgp5mIg=');
    expect(digestOf(one, Buffer.from('56789'))).toBe('rosUhgp5mIg=');
  });
});
