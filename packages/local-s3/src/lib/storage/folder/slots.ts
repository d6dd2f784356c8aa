import type { BytesPlacement, BytesRef } from '../storage.ts';

/** Parts below this size get a file of their own: copying them costs nothing, and they are mostly last parts. */
const MIN_SLOT_SIZE_BYTES = 1024 ** 2;

/**
 * Equal parts of one upload lie side by side in one file, part n at (n − 1) × size: if they stay so, completing the
 * upload copies nothing. A slot is claimed by the first writer of a part; a second writer of the same part writes
 * elsewhere, so bytes that somebody may refer to are never written over.
 */
export interface Slots {
  /** The place of that part; `undefined` when it is taken, or the parts are too small, or the file is sealed. */
  claim(placement: BytesPlacement): BytesRef | undefined;
  /** Marks the place of bytes found at the start. */
  restore(ref: BytesRef): void;
  release(ref: BytesRef): void;
  /** No more claims for this file. Tells the offsets that are claimed. */
  seal(file: string): ReadonlySet<number>;
  forget(group: string): void;
}

/** Keeps the claims of this process. */
export function createSlots(): Slots {
  const claims = new Map<string, Set<number>>();
  const sealed = new Set<string>();
  const claimsOf = (file: string): Set<number> => {
    const known = claims.get(file) ?? new Set();
    claims.set(file, known);
    return known;
  };

  return {
    claim({ group, partNumber, sizeBytes }) {
      const file = `${group}/slots-${sizeBytes}`;
      const offsetBytes = (partNumber - 1) * sizeBytes;
      if (sizeBytes < MIN_SLOT_SIZE_BYTES || sealed.has(file) || claimsOf(file).has(offsetBytes))
        return undefined;
      claimsOf(file).add(offsetBytes);
      return { file, offsetBytes, sizeBytes };
    },
    restore(ref) {
      if (isSlotFile(ref.file)) claimsOf(ref.file).add(ref.offsetBytes);
    },
    release(ref) {
      claims.get(ref.file)?.delete(ref.offsetBytes);
    },
    seal(file) {
      sealed.add(file);
      return claimsOf(file);
    },
    forget(group) {
      for (const files of [claims, sealed]) {
        for (const file of files.keys()) if (file.startsWith(`${group}/`)) files.delete(file);
      }
    },
  };
}

/** Whether several parts share this file. */
export function isSlotFile(file: string): boolean {
  return file.includes('/slots-');
}
