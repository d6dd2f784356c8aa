import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { ChecksumAlgorithm } from '@longhaul/protocol';
import { createHash as createPortableHash } from '../../integrity/create-hash.ts';
import type { Hash } from '../../integrity/hash.ts';

/** Starts a digest: Node's own where there is one, as it is faster. */
export function createNodeHash(algorithm: ChecksumAlgorithm): Hash {
  if (algorithm === 'CRC32') return createCrc32();
  return algorithm === 'MD5' ? createHash('md5') : createPortableHash(algorithm);
}

function createCrc32(): Hash {
  let value = 0;
  return {
    update: (bytes) => void (value = crc32(bytes, value)),
    digest: () => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value),
  };
}
