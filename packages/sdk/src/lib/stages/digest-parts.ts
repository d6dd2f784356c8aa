import { type Checksum, type ChecksumAlgorithm, combineChecksums, type PartRange } from '@longhaul/protocol';
import type { Digester } from '../ports/digester.ts';

/** The digests of an upload's parts, each computed once, ahead of the line. */
export interface Digests {
  /** The digest of a part. Those of the parts after it are begun too, as many as {@link DigestInput.ahead} says. */
  of(part: PartRange): Promise<Checksum>;
  /** The digest of a part, if it is there already. */
  known(partNumber: number): Checksum | undefined;
  /** The store got other bytes than were digested. Reads the part again: `false` if it was the file, not the wire. */
  isSame(part: PartRange): Promise<boolean>;
  /** Digest of the whole, from those of all parts. `undefined`: there is none by this algorithm. */
  whole(): Checksum | undefined;
  /** Nothing is read any more. */
  stop(): void;
}

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
  const begun = new Map<number, Promise<Checksum>>();
  const known = new Map<number, Checksum>();
  const met = new Map<number, PartRange>();
  if (input.checksum?.algorithm === algorithm) known.set(1, input.checksum);

  const digest = ({ offsetBytes, sizeBytes }: PartRange): Promise<Checksum> =>
    digester.digest({ algorithm, source, offsetBytes, sizeBytes, signal });
  const remember = async (part: PartRange): Promise<Checksum> => {
    const { partNumber } = part;
    const checksum = known.get(partNumber) ?? (await digest(part));
    known.set(partNumber, checksum);
    return checksum;
  };
  const begin = (part: PartRange): Promise<Checksum> => {
    const { partNumber } = part;
    met.set(partNumber, part);
    const checksum = begun.get(partNumber) ?? remember(part);
    begun.set(partNumber, checksum);
    return checksum;
  };

  return {
    of(part) {
      const checksum = begin(part);
      // Whoever asks for one of these is told if it fails.
      for (const next of parts.slice(part.partNumber, part.partNumber + ahead)) begin(next).catch(() => {});
      return checksum;
    },
    known: (partNumber) => known.get(partNumber),
    isSame: async (part) => (await digest(part)).value === known.get(part.partNumber)?.value,
    whole() {
      if (known.size < Math.max(met.size, parts.length)) return undefined;
      if (known.size === 1) return known.get(1);
      return combineChecksums(
        [...met.values()]
          .sort((one, other) => one.partNumber - other.partNumber)
          .flatMap(({ partNumber, sizeBytes }) => {
            const checksum = known.get(partNumber);
            return checksum ? [{ checksum, sizeBytes }] : [];
          }),
      );
    },
    stop: () => over.abort(),
  };
}
