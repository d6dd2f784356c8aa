import type { OpenPlan, PartPlan, PartRange } from '@longhaul/protocol';

/** A file, or bytes, that stay where they are until they are read. Opened by the platform, closed by the upload. */
export interface ByteSource {
  /** `Infinity` of a stream whose end nobody knows, until it has come. */
  readonly sizeBytes: number;
  /** Name of the file, where it has one. */
  readonly name?: string | undefined;
  /** Media type, where the source knows it. */
  readonly contentType?: string | undefined;
  /** When the content was last changed, in milliseconds since the Unix epoch, where the source knows it. */
  readonly lastModifiedEpochMs?: number | undefined;
  /** What the platform can open the same source with another time, where that can be kept. */
  readonly handle?: unknown;

  /**
   * Reads exactly `sizeBytes`; for the fingerprint and small payloads, not for parts.
   *
   * @throws UploadError `FILE_CHANGED` if there is less, `FILE_UNREADABLE` if reading fails
   */
  read(offsetBytes: number, sizeBytes: number): Promise<Uint8Array<ArrayBuffer>>;

  /**
   * Resolves if the content is still what was opened, as far as can be seen without reading it.
   *
   * @throws UploadError `FILE_CHANGED`
   */
  verify(): Promise<void>;

  /** Lets go of it. Called once, after the last read. */
  close(): Promise<void>;

  /** Only of what can be read once. Such an upload is not resumed, and is ended when it fails. */
  readonly once?: ReadOnce | undefined;
}

/** Hands out the parts of what can be read once. */
export interface ReadOnce {
  /**
   * The parts of the plan in order, each once its bytes are in memory, up to the end. Reads on only while there is room.
   *
   * @throws UploadError `SOURCE_FAILED` or `SIZE_MISMATCH`; the signal's reason when it aborts
   */
  parts(plan: PartPlan | OpenPlan, signal: AbortSignal): AsyncIterator<PartRange>;
  /** The store has the part: nobody will ask for its bytes again. */
  release(part: PartRange): void;
}

/** What opening may need to know besides the input. Only streams do. */
export interface SourceHints {
  /** Most that is read of a stream to see whether it ends before that: then it is a source like any other. */
  readonly headBytes: number;
  /** What the caller says that the source holds. */
  readonly expectedSizeBytes: number | undefined;
  /** Whose streams share memory: the uploader's. */
  readonly owner: object;
  /** Most that all streams of an owner hold in memory together. */
  readonly limitBytes: number;
  /** Tells of every pause of the upload, and of its end: what a paused one holds must not keep others from going on. */
  readonly onPause: (listener: (isPaused: boolean) => void) => void;
  /** Ends the waiting for a stream that says nothing. */
  readonly signal: AbortSignal;
}
