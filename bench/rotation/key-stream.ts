import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';

const BLOCK_BYTES = 1024 ** 2;

/** Random bytes that need no disk: the keystream of a cipher, no two blocks of it equal. */
export function openKeyStream(sizeBytes: number): { readonly stream: Readable; sha256(): string } {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16));
  const hash = createHash('sha256');
  const zeros = Buffer.alloc(BLOCK_BYTES);
  const blocks = function* (): Generator<Buffer> {
    for (let left = sizeBytes; left > 0; left -= BLOCK_BYTES) {
      const block = cipher.update(left < BLOCK_BYTES ? zeros.subarray(0, left) : zeros);
      hash.update(block);
      yield block;
    }
  };
  return { stream: Readable.from(blocks()), sha256: () => hash.digest('hex') };
}
