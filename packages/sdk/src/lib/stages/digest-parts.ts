import type { Checksum, ChecksumAlgorithm, PartRange } from '@longhaul/protocol';
import pLimit from 'p-limit';
import type { Digester } from '../ports/digester.ts';
import { UploadError } from '../upload-error.ts';

/** The digests of an upload's parts, each computed once, ahead of the line. */
export interface Digests {
  /** The digest of a part. Those of the parts after it are begun too, as many as {@link DigestInput.ahead} says. */
  of(part: PartRange): Promise<Checksum>;
  /** The digest of a part, if it is there already. */
  known(partNumber: number): Checksum | undefined;
  /**
   * The store got other bytes than were digested: reads the part again.
   *
   * @throws UploadError `FILE_CHANGED` if it was the file, not the wire
   */
  recheck(part: PartRange): Promise<void>;
  /** Digest of the whole, from those of all parts. `undefined`: there is none by this algorithm. */
  whole(): Promise<Checksum | undefined>;
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

/** Parts digested at once: one is read while another is counted. */
const AT_ONCE = 2;

/** Digests parts in the order in which they are asked for. Only digests are kept: a part is read again to be sent. */
export function createDigests<Source>(input: DigestInput<Source>): Digests {
  const { digester, algorithm, source, parts, ahead } = input;
  const over = new AbortController();
  const signal = AbortSignal.any([input.stopSignal, over.signal]);
  const lane = pLimit(AT_ONCE);
  const begun = new Map<number, Promise<Checksum>>();
  const known = new Map<number, Checksum>();
  const met = new Map<number, PartRange>();
  if (input.checksum?.algorithm === algorithm) known.set(1, input.checksum);

  const digest = async ({ offsetBytes, sizeBytes }: PartRange): Promise<Checksum> => {
    signal.throwIfAborted();
    return await digester.digest({ algorithm, source, offsetBytes, sizeBytes, signal });
  };
  const begin = (part: PartRange): Promise<Checksum> => {
    const { partNumber } = part;
    met.set(partNumber, part);
    const checksum =
      begun.get(partNumber) ??
      lane(async () => {
        const value = known.get(partNumber) ?? (await digest(part));
        known.set(partNumber, value);
        return value;
      });
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
    async recheck(part) {
      const before = known.get(part.partNumber);
      if (before && (await digest(part)).value !== before.value) {
        throw new UploadError(
          'FILE_CHANGED',
          'The file was changed while it was being uploaded. Upload it again.',
        );
      }
    },
    async whole() {
      if (known.size < Math.max(met.size, parts.length)) return undefined;
      if (known.size === 1) return known.get(1);
      // Only for files in many parts, and only at their end.
      const { combineChecksums } = await import('../integrity/combine.ts');
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
