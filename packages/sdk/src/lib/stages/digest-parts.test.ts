import type { Checksum, PartRange } from '@longhaul/protocol';
import { expect, it } from 'vitest';
import { createDigests } from './digest-parts.ts';

const parts: PartRange[] = [1, 2, 3].map((partNumber) => ({ partNumber, offsetBytes: 0, sizeBytes: 5 }));
const checksum: Checksum = { algorithm: 'CRC32', value: 'AAAAAA==' };

it('waits for the digests that were begun, for no others, and for none any more once it was stopped', async () => {
  const pending: (() => void)[] = [];
  const digests = createDigests({
    digester: {
      algorithms: ['CRC32'],
      digest: ({ signal }) =>
        new Promise((resolve, reject) => {
          pending.push(() => resolve(checksum));
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    },
    algorithm: 'CRC32',
    source: {},
    parts,
    stopSignal: new AbortController().signal,
    ahead: 1,
  });
  const [first, second, third] = parts as [PartRange, PartRange, PartRange];
  const digested = digests.of(first);
  expect(pending).toHaveLength(2);
  await digests.whenKnown([third]);
  let isKnown = false;
  const known = digests.whenKnown([first, third]).then(() => (isKnown = true));
  await new Promise((settled) => setImmediate(settled));
  expect(isKnown).toBe(false);
  pending[0]?.();
  await known;
  expect(await digested).toEqual(checksum);
  const stopped = digests.whenKnown([second]);
  digests.stop();
  await expect(stopped).rejects.toThrow('abort');
});
