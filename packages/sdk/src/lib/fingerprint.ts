import type { ByteSource } from './ports/byte-source.ts';

const SAMPLE_BYTES = 64 * 1024;

/** Sample 0 is the first, this one the last; eight more are spread evenly between them. */
const LAST_SAMPLE = 9;

/**
 * SHA-256 (hex) over the size and ten samples of the content: the same file has the same one on every device, and a
 * file of any size has it within a moment. Not a proof of equality: content may differ between the samples.
 *
 * `undefined` where the runtime has no digest (a page without TLS): such an upload cannot be resumed.
 */
export async function fingerprintOf(source: ByteSource): Promise<string | undefined> {
  // The types promise it; browsers leave it out of insecure contexts.
  const subtle = crypto.subtle as typeof crypto.subtle | undefined;
  if (!subtle) return undefined;
  const { sizeBytes } = source;
  const sampleBytes = Math.min(SAMPLE_BYTES, sizeBytes);
  // Those of small contents overlap and miss nothing: one read is enough for all of them.
  const whole = sizeBytes <= SAMPLE_BYTES * LAST_SAMPLE ? await source.read(0, sizeBytes) : undefined;
  const samples = Array.from({ length: LAST_SAMPLE + 1 }, async (_, index) => {
    const offsetBytes = Math.floor(((sizeBytes - sampleBytes) * index) / LAST_SAMPLE);
    return (
      whole?.subarray(offsetBytes, offsetBytes + sampleBytes) ?? (await source.read(offsetBytes, sampleBytes))
    );
  });
  const digest = await subtle.digest(
    'SHA-256',
    await new Blob([`${sizeBytes}\n`, ...(await Promise.all(samples))]).arrayBuffer(),
  );
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
