/**
 * Encryption at rest, as the coordinator's policy allows it.
 *
 * `sse-c`: the store encrypts with a key of yours, and keeps it no longer than it needs it. The key goes from here to the
 * store with every part, over TLS, and past the coordinator, which knows its MD5 only. Nobody keeps it but you: without it
 * the object cannot be read, and an upload that was left open cannot be continued.
 */
export type UploadEncryption =
  | { readonly mode: 'sse-s3' }
  | {
      readonly mode: 'sse-kms';
      /** Id, ARN or alias. Default: the key that the coordinator's policy names. */
      readonly kmsKeyId?: string;
    }
  | CustomerKeyEncryption;

/** Encryption with a key of the caller's. */
export interface CustomerKeyEncryption {
  readonly mode: 'sse-c';
  /**
   * 32 bytes, as they are or in base64. Default: random ones for this upload, which the handle's `customerKey` tells. Keep
   * them before the upload is complete: they are stored nowhere.
   */
  readonly key?: Uint8Array | string;
  /** MD5 of the key, base64: what is remembered of it. With it, another key is refused, and none is made. */
  readonly customerKeyMd5?: string;
  /**
   * Lets the coordinator know the key while the upload is on its way, where the store cannot do without. It keeps it sealed in
   * its key vault, an hour at most after its last use. Default `false`: then the upload fails there with `KEY_UNUSABLE`, and no
   * key is sent to the coordinator.
   */
  readonly entrustKey?: boolean;
}
