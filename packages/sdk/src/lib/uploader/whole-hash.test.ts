import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createWholeHash } from './whole-hash.ts';

const content = Uint8Array.from({ length: 50 }, (_, index) => index * 7);
const md5Of = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

function stretchesOf(sizeBytes: number): readonly Uint8Array[] {
  const starts = Array.from(
    { length: Math.ceil(content.length / sizeBytes) },
    (_, index) => index * sizeBytes,
  );
  return starts.map((start) => content.subarray(start, start + sizeBytes));
}

/** As S3 makes it of parts of that size. */
function compositeOf(partSizeBytes: number): string {
  const parts = stretchesOf(partSizeBytes).map(md5Of);
  return `${md5Of(Buffer.concat(parts)).toString('base64')}-${parts.length}`;
}

function digestIn(copySizeBytes: number, digest: Parameters<typeof createWholeHash>[0]['digest']) {
  const partCount = Math.ceil(content.length / copySizeBytes);
  const plan = { sizeBytes: content.length, partSizeBytes: copySizeBytes, partCount };
  const hash = createWholeHash({ plan, ...(digest && { digest }) });
  for (const part of stretchesOf(copySizeBytes)) hash?.update(part, md5Of(part));
  return hash?.digest();
}

describe('the digest of what is copied', () => {
  it.each([10, 7, 16, 25, 49])('is that of parts as they were uploaded, of %d bytes', (partSizeBytes) => {
    for (const copySizeBytes of [1, 7, 10, 16, 50])
      expect(digestIn(copySizeBytes, { algorithm: 'MD5', partSizeBytes })).toEqual({
        algorithm: 'MD5',
        value: compositeOf(partSizeBytes),
      });
  });

  it('is that of the whole where it was uploaded at once', () => {
    expect(digestIn(7, { algorithm: 'MD5' })?.value).toBe(md5Of(content).toString('base64'));
    for (const algorithm of ['CRC32', 'CRC64NVME'] as const)
      expect(digestIn(7, { algorithm })).toEqual(digestIn(50, { algorithm }));
  });

  it('is none where there is nothing to compare with, or nothing to compute it by', () => {
    expect(digestIn(7, undefined)).toBeUndefined();
    expect(digestIn(7, { algorithm: 'CRC32C' })).toBeUndefined();
  });
});
