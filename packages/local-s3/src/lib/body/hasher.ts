import type { ChecksumAlgorithm, Digest } from '../checksums/algorithms.ts';
import { createDigest } from '../checksums/algorithms.ts';

/** What a hasher can compute. */
export type HashName = ChecksumAlgorithm | 'MD5';

/** Computes several hashes of one stream of bytes. */
export interface Hasher {
  /** Resolves when the bytes are taken in; until then they must not change. */
  update(bytes: Uint8Array): Promise<void>;
  /** The values in the order of the names. Ends the computation. */
  finish(): Promise<readonly Buffer[]>;
  /** Ends it without values. */
  drop(): void;
}

/** Computes on the thread that calls. */
export async function createInlineHasher(names: readonly HashName[]): Promise<Hasher> {
  const digests: readonly Digest[] = await Promise.all(names.map(createDigest));
  return {
    update: async (bytes) => {
      for (const digest of digests) digest.update(bytes);
    },
    finish: async () => digests.map((digest) => digest.digest()),
    drop: () => {},
  };
}
