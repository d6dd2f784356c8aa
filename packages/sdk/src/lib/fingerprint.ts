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
  const sizeLine = new TextEncoder().encode(`${sizeBytes}\n`);
  const sampleBytes = Math.min(SAMPLE_BYTES, sizeBytes);
  // Those of small contents overlap and miss nothing: one read is enough for all of them.
  const whole = sizeBytes <= SAMPLE_BYTES * LAST_SAMPLE ? await source.read(0, sizeBytes) : undefined;
  // Put together by hand: a Blob of them would go to the browser's process and back, which takes a page as long as to read them.
  const sampled = new Uint8Array(sizeLine.length + (LAST_SAMPLE + 1) * sampleBytes);
  sampled.set(sizeLine);
  const sample = async (_: unknown, index: number): Promise<void> => {
    const offsetBytes = Math.floor(((sizeBytes - sampleBytes) * index) / LAST_SAMPLE);
    const bytes =
      whole?.subarray(offsetBytes, offsetBytes + sampleBytes) ??
      (await source.read(offsetBytes, sampleBytes));
    sampled.set(bytes, sizeLine.length + index * sampleBytes);
  };
  await Promise.all(Array.from({ length: LAST_SAMPLE + 1 }, sample));
  const digest = await subtle.digest('SHA-256', sampled);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
