import type { ChecksumAlgorithm } from '@longhaul/protocol';
import { createCrc32 } from './crc32.ts';
import { createCrc64 } from './crc64.ts';
import { createFastCrc32 } from './fast-crc32.ts';
import { createFastCrc64 } from './fast-crc64.ts';
import type { Hash } from './hash.ts';
import { createMd5 } from './md5.ts';

/** Starts a digest that any runtime can compute. */
export function createHash(algorithm: ChecksumAlgorithm): Hash {
  switch (algorithm) {
    case 'CRC32':
      return createFastCrc32() ?? createCrc32();
    case 'CRC64NVME':
      return createFastCrc64() ?? createCrc64();
    case 'MD5':
      return createMd5();
    case 'CRC32C':
      throw new TypeError('CRC32C was not offered');
  }
}
