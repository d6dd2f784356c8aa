import type { Checksum, PartRange, PartToSign } from '@longhaul/protocol';
import type { HeldGrants } from './held-grants.ts';

/** Digests of parts, as far as they are there. */
export interface KnownDigests {
  known(partNumber: number): Checksum | undefined;
  /** Resolves once those of them that were begun are there; rejects if one will not be. */
  whenKnown(parts: readonly PartRange[]): Promise<unknown>;
}

/** Which parts there are, as the exchange knows them. */
interface WantedInput {
  readonly parts: readonly PartRange[];
  readonly concurrency: number;
  readonly digests?: KnownDigests | undefined;
}

/** Parts that will be sent. */
export interface Wanted {
  add(part: PartRange): void;
  delete(part: PartRange): void;
  /** These, and the next ones, as far as they have no URL, and their digest if they need one. */
  toSign(first: readonly PartRange[]): readonly PartToSign[];
  /**
   * Whether the next part lacks its URL still: a connection would lie idle for a round trip when it is its turn. Resolves once
   * the digests of those after it that are nearly there have come along: a call costs a page more than all else that it does
   * for a part. `false` while somebody waits for that already. Rejects where nothing more is digested: the upload is over.
   */
  isWorthAsking(): Promise<boolean>;
}

/** All of them wait for a URL, but for those of which one is held. */
export function createWanted({ parts, concurrency, digests }: WantedInput, held: HeldGrants): Wanted {
  const toCome = new Set(parts);
  let isWaiting = false;
  const toSign: Wanted['toSign'] = (first) =>
    [...new Set([...first, ...firstOf(toCome, 2 * concurrency)])]
      .slice(0, 2 * concurrency)
      .flatMap(({ partNumber, sizeBytes }) => {
        const checksum = digests?.known(partNumber);
        const isReady = !held.find(partNumber) && (checksum ?? !digests);
        return isReady ? [{ partNumber, sizeBytes, ...(checksum && { checksum }) }] : [];
      });
  return {
    add: (part) => void toCome.add(part),
    delete: (part) => void toCome.delete(part),
    toSign,
    async isWorthAsking() {
      const [next, ...others] = firstOf(toCome, concurrency);
      if (isWaiting || !next || held.find(next.partNumber)) return false;
      isWaiting = true;
      try {
        await digests?.whenKnown([next, ...others]);
      } finally {
        isWaiting = false;
      }
      return toSign([]).length > 0;
    },
  };
}

/** Of many, and often: nobody copies all of them for that. */
function firstOf<Item>(items: Iterable<Item>, count: number): readonly Item[] {
  const first: Item[] = [];
  for (const item of items) {
    if (first.length === count) break;
    first.push(item);
  }
  return first;
}
