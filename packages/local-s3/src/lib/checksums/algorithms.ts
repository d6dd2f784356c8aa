import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

import { createCRC32, createCRC64 } from 'hash-wasm';

/** Checksum algorithms that this server knows, in the spelling of the API. */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256';

/** How a checksum of a multipart object is made from its parts. */
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum that is being computed. */
export interface Digest {
  update(chunk: Uint8Array): void;
  /** Binary value. Ends the computation. */
  digest(): Buffer;
}

/** Every algorithm with the length of its value in bytes. */
export const CHECKSUM_BYTES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
};

/** Names of the algorithms. */
export const CHECKSUM_ALGORITHMS = Object.keys(CHECKSUM_BYTES) as readonly ChecksumAlgorithm[];

/** Reflected polynomials, as the CRC routines take them. */
export const CRC_POLYNOMIALS: {
  readonly CRC32: number;
  readonly CRC32C: number;
  readonly CRC64NVME: bigint;
} = { CRC32: 0xedb8_8320, CRC32C: 0x82f6_3b78, CRC64NVME: 0x9a6c_9329_ac4b_c9b5n };

/** Whether the text names an algorithm that this server knows. */
export function isChecksumAlgorithm(name: string): name is ChecksumAlgorithm {
  return Object.hasOwn(CHECKSUM_BYTES, name);
}

/** Whether the checksum of a whole object follows from those of its parts. */
export function isCrc(algorithm: ChecksumAlgorithm): algorithm is keyof typeof CRC_POLYNOMIALS {
  return Object.hasOwn(CRC_POLYNOMIALS, algorithm);
}

/** Starts a computation. */
export async function createDigest(algorithm: ChecksumAlgorithm | 'MD5'): Promise<Digest> {
  switch (algorithm) {
    case 'CRC32':
      return createZlibCrc32();
    case 'CRC32C':
      return fromWasm(await createCRC32(CRC_POLYNOMIALS.CRC32C));
    case 'CRC64NVME':
      return fromWasm(await createCRC64(CRC_POLYNOMIALS.CRC64NVME.toString(16)));
    case 'MD5':
    case 'SHA1':
    case 'SHA256':
      return createHash(algorithm.toLowerCase());
  }
}

/** Header that carries the checksum. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

function createZlibCrc32(): Digest {
  let value = 0;
  return {
    update: (chunk) => {
      value = crc32(chunk, value);
    },
    digest: () => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    },
  };
}

interface WasmHasher {
  init(): unknown;
  update(chunk: Uint8Array): unknown;
  digest(): string;
}

function fromWasm(hasher: WasmHasher): Digest {
  hasher.init();
  return {
    update: (chunk) => {
      hasher.update(chunk);
    },
    digest: () => Buffer.from(hasher.digest(), 'hex'),
  };
}
