import type { EncryptionWish, ObjectEncryption } from './encryption.ts';
import type { UploadResult } from './messages.ts';

/** Where a rotation stands. Only `DONE` and `FAILED` are final; from `SWITCHED` on the object has its new key. */
export type RotationState = 'PENDING' | 'COPYING' | 'SWITCHED' | 'DONE' | 'FAILED';

/**
 * `POST /v1/objects/:nodeId/rotate`: gives an object that is complete another encryption. It is copied at the store, to another
 * object key; no byte of it passes through the coordinator.
 */
export interface RotateRequest {
  /** UUID made by the client; the same one answers the same rotation, whatever state it is in. */
  readonly rotationId: string;
  /** What the object shall have. With `sse-c` the key itself has to come along. Over TLS only. */
  readonly encryption: EncryptionWish;
  /** The key that the object has now, 256 bits in base64: needed where that is `sse-c`. Over TLS only. */
  readonly oldCustomerKey?: string;
  /** Deletes every version of the old object, where a bucket keeps them. Default `false`: the newest is hidden, as S3 does. */
  readonly deleteVersions?: boolean;
}

/** Answer of `POST /v1/objects/:nodeId/rotate`, and of `GET /v1/objects/:nodeId/rotation` about the newest one. */
export interface RotationStatus {
  readonly rotationId: string;
  readonly nodeId: string;
  readonly state: RotationState;
  /** What the object shall have, or has from `SWITCHED` on. */
  readonly encryption: ObjectEncryption;
  /** How often the object was rotated, this time included; stands at the end of its object key. */
  readonly generation: number;
  readonly sizeBytes: number;
  readonly partCount: number;
  /** Parts known to be copied; grows now and then while `COPYING`. */
  readonly copiedPartCount: number;
  /** The same in bytes. */
  readonly copiedBytes: number;
  readonly createdAtEpochMs: number;
  /** From `SWITCHED` on: the object as it stands now. Left out once a later rotation has moved it on. */
  readonly result?: UploadResult;
  /** Until the end is reached: when to ask again. Also sent as the `Retry-After` header. */
  readonly retryAfterSeconds?: number;
  /** What went wrong last, with `DONE` too: then it says that the old object could not be deleted. */
  readonly lastError?: string;
}
