import type { EncryptionWish, ObjectEncryption } from './encryption.ts';
import type {
  Checksum,
  ChecksumAlgorithm,
  Grant,
  ReceivedPart,
  StoreCall,
  UploadResult,
} from './messages.ts';
import type { PartPlan } from './part-plan.ts';

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
  /**
   * The client streams the object where the store copies none with a key (`rotation-unsupported` without this), and has the key
   * that the object has now: `oldCustomerKeyMd5` is the MD5 of it, base64. Neither key goes to the coordinator then.
   */
  readonly copyByClient?: { readonly oldCustomerKeyMd5: string };
  /** Of a rotation that its client copies: all parts are stored, and the object may be made of them. */
  readonly copied?: {
    /** Of all that was streamed, as {@link RotationCopy.digest} asks for it. Left out where only a part of it was streamed now. */
    readonly checksum?: Checksum;
  };
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
  /** While it is the client that has to copy: by `POST /v1/objects/:nodeId/rotation/copy`. */
  readonly copyByClient?: true;
  /** Parts known to be copied; grows now and then while `COPYING`, and only at the end where the client copies. */
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

/** Most parts that one call of a client that copies may ask URLs for. */
export const MAX_COPIED_PARTS_PER_CALL = 100;

/** `POST /v1/objects/:nodeId/rotation/copy`: what a client needs that streams an object to its new key. */
export interface RotationCopyRequest {
  /** As the status of the rotation has it. */
  readonly rotationId: string;
  /** The id that the store has answered to the `openingCall`. */
  readonly s3UploadId?: string;
  /** Parts of the plan that are at hand, and the MD5 of each in base64: it is signed, as the length is. */
  readonly sign?: readonly { readonly partNumber: number; readonly contentMd5: string }[];
}

/** Answer of `POST /v1/objects/:nodeId/rotation/copy`. */
export interface RotationCopy {
  /** GET of the object as it is now, with a `Range` and a key that are not signed. */
  readonly source: StoreCall;
  readonly plan: PartPlan;
  /** Until the copy is begun at the store: to be sent with the new key, and its answer's id told by the same call. */
  readonly openingCall?: StoreCall;
  /** Parts that the store has already; left out of answers to `sign`. */
  readonly receivedParts?: readonly ReceivedPart[];
  /** For the parts of `sign`. */
  readonly grants: readonly Grant[];
  /** How the whole is to be digested, where what was uploaded is known by a digest. */
  readonly digest?: {
    readonly algorithm: ChecksumAlgorithm;
    /** Of a composite: size of the parts as they were uploaded. Left out: all of it at once. */
    readonly partSizeBytes?: number;
  };
}
