import type { Grant, PartRange, PartToSign } from '@longhaul/protocol';

/** URLs at hand, and which ones to ask for next. */
export interface GrantWindow {
  /** Takes in URLs that were asked for at `askedMs`: their life is counted from then, to be on the safe side. */
  hold(grants: readonly Grant[], askedMs: number): void;
  /** The part's URL, if there is one that is still good. */
  find(partNumber: number, nowMs: number): Grant | undefined;
  /** The part is being sent: the window moves on. Its URL stays at hand for another attempt. */
  begin(partNumber: number): void;
  /** The part's URL is of no use any more. */
  drop(partNumber: number): void;
  /** Those of the next parts in order that have no good URL. */
  nextToSign(nowMs: number): PartToSign[];
}

/** A URL is not used in the last tenth of its life: it must still be good when the store reads the request. */
const USABLE_SHARE = 0.9;

/**
 * A window over parts in the order in which they will be sent.
 *
 * @param aheadCount how many of the parts to come should have a URL
 */
export function createGrantWindow(parts: readonly PartRange[], aheadCount: number): GrantWindow {
  const toCome = new Map<number, PartToSign>();
  for (const { partNumber, sizeBytes } of parts) toCome.set(partNumber, { partNumber, sizeBytes });
  const held = new Map<number, { readonly grant: Grant; readonly goodUntilMs: number }>();

  const find = (partNumber: number, nowMs: number): Grant | undefined => {
    const entry = held.get(partNumber);
    return entry && entry.goodUntilMs > nowMs ? entry.grant : undefined;
  };

  return {
    find,
    hold(grants, askedMs) {
      for (const grant of grants) {
        const goodUntilMs = askedMs + grant.expiresInSeconds * 1_000 * USABLE_SHARE;
        held.set(grant.partNumber, { grant, goodUntilMs });
      }
    },
    begin: (partNumber) => void toCome.delete(partNumber),
    drop: (partNumber) => void held.delete(partNumber),
    nextToSign(nowMs) {
      const missing: PartToSign[] = [];
      let looked = 0;
      for (const part of toCome.values()) {
        if (looked++ === aheadCount) break;
        if (!find(part.partNumber, nowMs)) missing.push(part);
      }
      return missing;
    },
  };
}
