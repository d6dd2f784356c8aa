/** A digest under way. */
export interface Hash {
  update(bytes: Uint8Array): void;
  /** The digest as S3 writes it, in bytes. Ends the computation. */
  digest(): Uint8Array;
}
