import { type Checksum, type ChecksumAlgorithm, combineChecksums, type PartRange } from '@longhaul/protocol';
import type { Digester } from '../ports/digester.ts';

/** The digests of an upload's parts, each computed once, ahead of the line. */
export interface Digests {
  /** The digest of a part. Those of the parts after it are begun too, as many as {@link DigestInput.ahead} says. */
  of(part: PartRange): Promise<Checksum>;
  /** The digest of a part, if it is there already. */
  known(partNumber: number): Checksum | undefined;
  /** Resolves once those of them that were begun have been digested; rejects if one could not be. */
  whenKnown(parts: readonly PartRange[]): Promise<unknown>;
  /** The store got other bytes than were digested. Reads the part again: `false` if it was the file, not the wire. */
  isSame(part: PartRange): Promise<boolean>;
  /**
   * Every part in its order, and the digest of the whole where theirs give it. Parts that were not sent, because others have
   * sent them or have completed the upload, are digested for it.
   */
  all(): Promise<{ readonly parts: readonly DigestedPart[]; readonly whole: Checksum | undefined }>;
  /** Nothing is read any more. */
  stop(): void;
}

/** A part, and its digest. */
export type DigestedPart = PartRange & { readonly checksum: Checksum };

/** What digesting takes. */
export interface DigestInput<Source> {
  readonly digester: Digester<Source>;
  readonly algorithm: ChecksumAlgorithm;
  readonly source: Source;
  /** All parts of the upload, where they are known from the start. */
  readonly parts: readonly PartRange[];
  readonly stopSignal: AbortSignal;
  /** How many of them may be digested before they are asked for. */
  readonly ahead: number;
  /** The digest of a content in one piece, where it was computed already. */
  readonly checksum?: Checksum | undefined;
}

/** Digests parts in the order in which they are asked for. Only digests are kept: a part is read again to be sent. */
export function createDigests<Source>(input: DigestInput<Source>): Digests {
  const { digester, algorithm, source, parts, ahead } = input;
  const over = new AbortController();
  const signal = AbortSignal.any([input.stopSignal, over.signal]);
  const begun = new Map<number, Promise<DigestedPart>>();
  const known = new Map<number, Checksum>();
  if (input.checksum?.algorithm === algorithm) known.set(1, input.checksum);

  const digest = ({ offsetBytes, sizeBytes }: PartRange): Promise<Checksum> =>
    digester.digest({ algorithm, source, offsetBytes, sizeBytes, signal });
  const digestOnce = async (part: PartRange): Promise<DigestedPart> => {
    const { partNumber } = part;
    const checksum = known.get(partNumber) ?? (await digest(part));
    known.set(partNumber, checksum);
    return { ...part, checksum };
  };
  const begin = (part: PartRange): Promise<DigestedPart> => {
    const { partNumber } = part;
    const digested = begun.get(partNumber) ?? digestOnce(part);
    begun.set(partNumber, digested);
    return digested;
  };

  return {
    async of(part) {
      const digested = begin(part);
      // Whoever asks for one of these is told if it fails.
      for (const next of parts.slice(part.partNumber, part.partNumber + ahead)) begin(next).catch(() => {});
      return (await digested).checksum;
    },
    known: (partNumber) => known.get(partNumber),
    whenKnown: async (some) =>
      await Promise.all(some.flatMap(({ partNumber }) => begun.get(partNumber) ?? [])),
    isSame: async (part) => (await digest(part)).value === known.get(part.partNumber)?.value,
    async all() {
      await Promise.all(parts.map(begin));
      // Those of a stream are known by having been sent.
      const all = (await Promise.all(begun.values())).sort((a, b) => a.partNumber - b.partNumber);
      return { parts: all, whole: all.length === 1 ? all[0]?.checksum : combineChecksums(all) };
    },
    stop: () => over.abort(),
  };
}
