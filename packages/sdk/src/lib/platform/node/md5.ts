import { createHash } from 'node:crypto';
import type { Checksum } from '@longhaul/protocol';
import type { NodeSource } from './node-source.ts';

const BUFFER_BYTES = 1024 ** 2;

/** MD5 of the whole content, as Content-MD5 carries it: every store refuses a body that does not match. */
export async function md5Of(source: NodeSource): Promise<Checksum> {
  const hash = createHash('md5');
  const buffer = new Uint8Array(Math.min(BUFFER_BYTES, source.sizeBytes));
  for (let offsetBytes = 0; offsetBytes < source.sizeBytes; offsetBytes += BUFFER_BYTES) {
    const piece = buffer.subarray(0, Math.min(BUFFER_BYTES, source.sizeBytes - offsetBytes));
    await source.readInto(piece, offsetBytes);
    hash.update(piece);
  }
  return { algorithm: 'MD5', value: hash.digest('base64') };
}
