import { createHash as createNodeHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type ChecksumAlgorithm, combineChecksums } from '@longhaul/protocol';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHash } from './create-hash.ts';

function digestOf(algorithm: ChecksumAlgorithm, ...pieces: readonly Uint8Array[]): string {
  const hash = createHash(algorithm);
  for (const piece of pieces) hash.update(piece);
  return Buffer.from(hash.digest()).toString('base64');
}

/** As where a content security policy refuses modules, or the runtime lacks instructions for sixteen bytes at once. */
const REFUSING = {
  ...WebAssembly,
  Memory: WebAssembly.Memory,
  Module: class {
    constructor() {
      throw new WebAssembly.CompileError('refused');
    }
  },
};

// Long enough for every table and block, cut anywhere, at any place in memory.
const pieces = fc.array(
  fc.uint8Array({ maxLength: 200 }).chain((bytes) => fc.nat(9).map((start) => bytes.subarray(start))),
  { maxLength: 5 },
);

describe('createHash', () => {
  it('computes the CRC32 that zlib does', () => {
    fc.assert(
      fc.property(pieces, (cut) => {
        const value = Buffer.alloc(4);
        value.writeUInt32BE(crc32(Buffer.concat(cut)));
        expect(digestOf('CRC32', ...cut)).toBe(value.toString('base64'));
      }),
    );
  });

  it('computes the MD5 that OpenSSL does', () => {
    fc.assert(
      fc.property(pieces, (cut) => {
        const whole = createNodeHash('md5').update(Buffer.concat(cut)).digest('base64');
        expect(digestOf('MD5', ...cut)).toBe(whole);
      }),
    );
  });

  it.each(['CRC32', 'CRC64NVME'] as const)(
    'computes a %s that is the combination of its pieces',
    (algorithm) => {
      fc.assert(
        fc.property(pieces, (cut) => {
          const stretches = cut.map((piece) => ({
            checksum: { algorithm, value: digestOf(algorithm, piece) },
            sizeBytes: piece.byteLength,
          }));
          const whole = digestOf(algorithm, ...cut);
          if (cut.length > 0) expect(combineChecksums(stretches)?.value).toBe(whole);
        }),
      );
    },
  );

  // Source: https://reveng.sourceforge.io/crc-catalogue/17plus.htm, RFC 1321
  it.each([
    ['CRC32', 'y/Q5Jg=='],
    ['CRC64NVME', 'rosUhgp5mIg='],
    ['MD5', 'JfnnlDI7RTiF9RgfG2JNCw=='],
  ] as const)('computes the %s of the check text', (algorithm, value) => {
    expect(digestOf(algorithm, Buffer.from('123456789'))).toBe(value);
  });

  describe.each([
    ['there is no WebAssembly', undefined],
    ['a module is refused', REFUSING],
  ])('where %s', (_, runtime) => {
    afterEach(() => void vi.unstubAllGlobals());

    const long = Uint8Array.from({ length: 700_001 }, (_each, index) => (index * 2_654_435_761) >>> 13);
    const ofLong = Buffer.alloc(4);
    ofLong.writeUInt32BE(crc32(long));

    it.each([
      ['CRC32', long, ofLong.toString('base64')],
      ['CRC64NVME', Buffer.from('123456789'), 'rosUhgp5mIg='],
    ] as const)('leaves the %s to tables', async (algorithm, content, value) => {
      vi.stubGlobal('WebAssembly', runtime);
      vi.resetModules();
      expect((await import('./fast-crc32.ts')).createFastCrc32()).toBeUndefined();
      expect((await import('./fast-crc64.ts')).createFastCrc64()).toBeUndefined();
      const hash = (await import('./create-hash.ts')).createHash(algorithm);
      hash.update(content);
      expect(Buffer.from(hash.digest()).toString('base64')).toBe(value);
    });
  });
});
