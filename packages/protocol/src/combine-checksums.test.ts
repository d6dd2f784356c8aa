import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combineChecksums, type Stretch } from './combine-checksums.ts';

const crc = (bytes: Uint8Array): Stretch => {
  const value = Buffer.alloc(4);
  value.writeUInt32BE(crc32(bytes));
  return {
    checksum: { algorithm: 'CRC32', value: value.toString('base64') },
    sizeBytes: bytes.byteLength,
  };
};

describe('combineChecksums', () => {
  it('of any split is that of the whole', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }), (parts) => {
        expect(combineChecksums(parts.map(crc))).toEqual(crc(Buffer.concat(parts)).checksum);
      }),
    );
  });

  it('is another one when two parts have changed places', () => {
    const [one, other] = [crc(Buffer.from('one')), crc(Buffer.from('two'))];
    expect(combineChecksums([one, other])).not.toEqual(combineChecksums([other, one]));
  });

  // 5 MiB of zeros and the text `123456789`, as real stores have confirmed them.
  it.each([
    ['CRC32', 'yTuzdQ==', 'y/Q5Jg==', 'tTrQLA=='],
    ['CRC32C', 'zqsFQg==', '4waSgw==', 'khro8Q=='],
    ['CRC64NVME', 'vqf3hRLTlJw=', 'rosUhgp5mIg=', '2Cx3jK5cd8E='],
  ] as const)('of two parts by %s', (algorithm, zeros, text, value) => {
    const parts = [
      { checksum: { algorithm, value: zeros }, sizeBytes: 5 * 1024 ** 2 },
      { checksum: { algorithm, value: text }, sizeBytes: 9 },
    ];
    expect(combineChecksums(parts)).toEqual({ algorithm, value });
  });

  it('combines no MD5s, no mixture and nothing', () => {
    const md5 = { algorithm: 'MD5', value: createHash('md5').digest('base64') } as const;
    expect(combineChecksums([{ checksum: md5, sizeBytes: 0 }])).toBeUndefined();
    expect(combineChecksums([crc(Buffer.from('a')), { checksum: md5, sizeBytes: 0 }])).toBeUndefined();
    expect(combineChecksums([])).toBeUndefined();
  });
});
