import type { RotationStatus } from '@longhaul/protocol';
import type { UploadProgress } from '../progress.ts';
import type { CustomerKeyEncryption, UploadEncryption } from '../upload-encryption.ts';

/** What a rotation is given besides the object. */
export interface RotateOptions {
  /** What the object shall have, as far as the coordinator's policy allows it. */
  readonly encryption:
    | Exclude<UploadEncryption, CustomerKeyEncryption>
    /** Default of the key: random bytes, which the handle's `customerKey` tells. */
    | Pick<CustomerKeyEncryption, 'mode' | 'key'>;
  /** The key that the object has now, where that is `sse-c`: 32 bytes, as they are or in base64. */
  readonly oldKey?: Uint8Array | string;
  /** Deletes every version of the old object, where the bucket keeps them. Default `false`: the newest is hidden, as S3 does. */
  readonly deleteVersions?: boolean;
  /** UUID that makes the call repeatable. Default a new one: then the same encryption finds a rotation that is under way. */
  readonly rotationId?: string;
  /** Told of the bytes that are copied, as the coordinator, or who streams them, knows them; of their rate nothing is known. */
  readonly onProgress?: (progress: UploadProgress) => void;
  /**
   * Aborting ends the waiting, and the result rejects with its reason. What the store copies by itself goes on; what is streamed
   * from here goes on with the next call.
   */
  readonly signal?: AbortSignal;
}

/** A rotation on its way. */
export interface RotationHandle {
  /**
   * Its end: `DONE`, with the object as it stands now, and with `lastError` where the old one could not be deleted. Rejects as
   * uploads do; what the coordinator refuses for good has a problem, such as `rotation-failed`: the object stays as it was.
   */
  readonly result: Promise<RotationStatus>;
  /** With `sse-c`: the new key, base64. Keep it before the end, and the old one until then: nobody else keeps either. */
  readonly customerKey: string | undefined;
}
