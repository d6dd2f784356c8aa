import {
  DEFAULT_PART_SIZE_BYTES,
  MIN_PART_SIZE_BYTES,
  type PartPlan,
  planParts,
  type RotationState,
} from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { StoreProfile } from '../../ports/store-profile.ts';

/** Until a sweeper looks at a copy again whose client has to go on with it: nothing of it waits for the sweeper. */
export const CLIENT_DELAY_MS = 600_000;

/**
 * Whether the object goes to its new key by way of whoever has its keys: the store copies none that has a key of its owner, and
 * takes requests of those whose keys we do not have.
 */
export function isCopiedByClient(
  profile: StoreProfile,
  { sourceEncryption }: Pick<RotationRecord, 'sourceEncryption'>,
): boolean {
  return sourceEncryption?.mode === 'sse-c' && !profile.ssecCopy && profile.ssecBlind;
}

/** Whether there is still something to copy. */
export function isUncopied({ state }: { readonly state: RotationState }): boolean {
  return state === 'PENDING' || state === 'COPYING';
}

/**
 * How a client cuts what it copies: it holds some parts in memory, so they are small; and like the parts that were uploaded where
 * those are, because then their MD5s, and what a store makes of them, are the same.
 */
export function planClientCopy(uploaded: PartPlan): PartPlan {
  const { sizeBytes, partSizeBytes, partCount } = uploaded;
  const small = planParts(sizeBytes, DEFAULT_PART_SIZE_BYTES);
  const isPossible = sizeBytes > 0 && (partSizeBytes >= MIN_PART_SIZE_BYTES || partCount === 1);
  const isSame = isEven(uploaded) && isPossible && partSizeBytes <= small.partSizeBytes;
  return isSame ? { sizeBytes, partSizeBytes, partCount } : small;
}

/** Whether all parts of a plan have one size, but the last. */
export function isEven({ partCount, doubleEvery = Infinity }: PartPlan): boolean {
  return partCount <= doubleEvery;
}

/** The refusal of parts that nobody waits for. */
export function copyClosed(uploadId: string): CoordinatorError {
  return new CoordinatorError(
    'rotation-copy-closed',
    `The rotation of the object of upload ${uploadId} takes no parts from its client: it is past that, or the store copies by itself. Ask for the rotation again, to see its end.`,
    { uploadId },
  );
}
