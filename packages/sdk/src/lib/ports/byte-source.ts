/** A file, or bytes, that stay where they are until they are read. Opened by the platform, closed by the upload. */
export interface ByteSource {
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
}
