import type { Grant } from '@longhaul/protocol';
import type { Clock } from './ports/clock.ts';

/** URLs that wait for their parts. */
export interface HeldGrants {
  /** Keeps them, asked for at that time. */
  hold(grants: readonly Grant[], askedMs: number): void;
  /** The one of a part, if it is still good. */
  find(partNumber: number): Grant | undefined;
  /** The same, good or not. */
  get(partNumber: number): Grant | undefined;
  drop(partNumber: number): void;
}

/** A URL is not used in the last tenth of its life: it must still be good when the store reads the request. */
const USABLE_MS_PER_SECOND = 900;

/** Holds none yet. */
export function createHeldGrants(clock: Clock): HeldGrants {
  const held = new Map<number, Grant & { readonly askedMs: number }>();
  return {
    hold(grants, askedMs) {
      for (const grant of grants) held.set(grant.partNumber, { ...grant, askedMs });
    },
    find(partNumber) {
      const grant = held.get(partNumber);
      const isGood = grant && clock.nowMs() - grant.askedMs < grant.expiresInSeconds * USABLE_MS_PER_SECOND;
      return isGood ? grant : undefined;
    },
    get: (partNumber) => held.get(partNumber),
    drop: (partNumber) => void held.delete(partNumber),
  };
}
