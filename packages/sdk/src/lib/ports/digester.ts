import type { Checksum, ChecksumAlgorithm } from '@longhaul/protocol';

/** Digests stretches of sources, at the side of whatever else the program does. */
export interface Digester<Source> {
  /** What it can do; the first one is what a content in one piece is digested by before anybody is asked. */
  readonly algorithms: readonly [ChecksumAlgorithm, ...ChecksumAlgorithm[]];

  /**
   * Reads the stretch, never all of it at once, and digests it; in the order in which it is asked, and as many at a time
   * as is good for the machine. Rejects with the signal's reason when it aborts.
   *
   * @throws UploadError `FILE_CHANGED` if there is less, `FILE_UNREADABLE` if reading fails
   */
  digest(stretch: StretchToDigest<Source>): Promise<Checksum>;
}

/** What to digest, and how. */
export interface StretchToDigest<Source> {
  readonly algorithm: ChecksumAlgorithm;
  readonly source: Source;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
}
