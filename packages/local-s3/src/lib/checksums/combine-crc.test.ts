import fc from 'fast-check';
import { expect, test } from 'vitest';

import { createDigest } from './algorithms.ts';
import { combineCrcs } from './combine-crc.ts';

const digestOf = async (algorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME', bytes: Uint8Array): Promise<Buffer> => {
  const digest = await createDigest(algorithm);
  digest.update(bytes);
  return digest.digest();
};

// Check values of the catalogue of parametrised CRC algorithms, for the text "123456789".
test.each([
  ['CRC32', 'cbf43926'],
  ['CRC32C', 'e3069283'],
  ['CRC64NVME', 'ae8b14860a799888'],
] as const)('%s of the check text is %s', async (algorithm, expected) => {
  expect((await digestOf(algorithm, Buffer.from('123456789'))).toString('hex')).toBe(expected);
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)(
  '%s of any split is that of the whole',
  async (algorithm) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 }),
        async (parts) => {
          const stretches = await Promise.all(
            parts.map(async (part) => ({ value: await digestOf(algorithm, part), sizeBytes: part.length })),
          );
          const whole = await digestOf(algorithm, Buffer.concat(parts));
          expect(combineCrcs(algorithm, stretches).toString('hex')).toBe(whole.toString('hex'));
        },
      ),
      { numRuns: 50 },
    );
  },
);
