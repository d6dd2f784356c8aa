import type { EncryptionWish, ObjectEncryption } from './encryption.ts';
import type { ObjectOptions } from './object-options.ts';
import type { OpenPlan, PartPlan } from './part-plan.ts';
import type { Problem } from './problem-codes.ts';

/** Where an upload stands. Only `COMPLETED`, `CANCELLED`, `EXPIRED` and `FAILED` are final. */
export type UploadState =
  | 'PENDING'
  | 'UPLOADING'
  | 'COMPLETING'
  | 'COMPLETED'
  | 'ABORTING'
  | 'CANCELLED'
  | 'EXPIRED'
  | 'FAILED';

/** How the bytes travel: inside the create call, in one presigned PUT, or in presigned parts. */
export type UploadMode = 'inline' | 'single' | 'multipart';

/** Ways to digest bytes. The CRCs of parts give that of the whole; `MD5` is for stores that know nothing newer. */
export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'MD5';

/**
 * A digest of bytes, base64 as S3 writes it. `MD5` travels as Content-MD5, which every store enforces; of a whole in several
 * parts it is what S3 calls composite: the MD5 of the MD5s of its parts, `-`, and how many they are.
 */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/** `POST /v1/uploads` */
export interface CreateUploadRequest {
  /** UUID made by the client; the same one answers the same upload, whatever state it is in. */
  readonly createId: string;
  /** Name of the file, 1 to 1,024 characters of any script but NUL. Kept as encoded metadata, never part of the key. */
  readonly name: string;
  /**
   * `null`: nobody knows yet, and complete will say. Such an upload travels in parts, is never found by its content, and
   * is given no first grants.
   */
  readonly sizeBytes: number | null;
  /** Media type. Default `application/octet-stream`. Signed into the upload, so it cannot be changed later. */
  readonly contentType?: string;
  /** Groups uploads and stands in the object key. Letters, digits, `.`, `_`, `-`; at most 128. Default `default`. */
  readonly connectorId?: string;
  /**
   * Stored with the object. Names of `[a-z0-9-]` that do not begin with `-`, but `constructor` and `prototype`; at most
   * 2 KiB in all once encoded.
   */
  readonly metadata?: Readonly<Record<string, string>>;
  /** SHA-256 (hex) over size and samples of the content. Finds an open upload of the same file to resume. */
  readonly fingerprint?: string;
  /** Part size that the client would like; the answer's `plan` decides. */
  readonly partSizeBytes?: number;
  /** Digest of the whole content, for `single` and inline. */
  readonly checksum?: Checksum;
  /**
   * Digests that the client can make of each part, for the server to choose from ({@link CreateUploadResponse}). Left out
   * or empty: parts travel without, and the size alone is proved.
   */
  readonly checksums?: readonly ChecksumAlgorithm[];
  /** Encryption at rest. Left out: the default of the server's policy, or what the bucket does by itself. */
  readonly encryption?: EncryptionWish;
  /** Storage class, tags, headers of downloads, object lock: what the server's policy lets through. */
  readonly objectOptions?: ObjectOptions;
  /** Asks for one presigned PUT (`single`) or for parts (`multipart`). Default: single up to the server's threshold. */
  readonly mode?: 'single' | 'multipart';
  /** The whole content, base64, when it is small enough to finish in this call. */
  readonly payload?: string;
  /** `false`: never continue an open upload of the same file. Default `true`. */
  readonly resume?: boolean;
  /**
   * `true`: every token given out for the upload before is good no more, so nobody but the caller goes on with it. URLs
   * already given out stay good until they expire. Default `false`.
   */
  readonly takeover?: boolean;
  /**
   * Parts to give URLs for in the answer, cut by `partSizeBytes` and with the digests that the client expects to be asked for.
   * All are passed over if the plan has another part size; else those that are there already, or bring no digest by the
   * upload's algorithm.
   */
  readonly sign?: readonly PartToSign[];
}

/** A presigned request, ready to be sent with the bytes of one part as its body. */
export interface Grant {
  /** 1-based; 1 for a single PUT. */
  readonly partNumber: number;
  readonly url: string;
  /** Headers to send exactly as they are. Content-Length and Host are set by the HTTP client and not listed. */
  readonly headers: Readonly<Record<string, string>>;
  /** Life of the URL from the moment it was received: the client's own clock is never trusted. */
  readonly expiresInSeconds: number;
}

/** A presigned request without a body that the client makes itself, because it takes a key that the server does not have. */
export interface StoreCall {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  /** Headers to send exactly as they are, beside that of the key. */
  readonly headers: Readonly<Record<string, string>>;
  /** As {@link Grant.expiresInSeconds}. */
  readonly expiresInSeconds: number;
}

/** A part that the store has. */
export interface ReceivedPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** Of an upload with a `checksumAlgorithm`: what the store has verified. Left out where nobody knows it. */
  readonly checksum?: Checksum;
}

/** What the client tells of a part that the store has taken. */
export interface Receipt {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** ETag as the store gave it, quotes included. Left out where CORS hides it: the part is then looked up by listing. */
  readonly etag?: string;
  /** Digest of the part, where the client knows it: a part that is stored again under another ETag is known by it. */
  readonly checksum?: Checksum;
  readonly durationMs?: number;
  /** Times the part was sent, 1 if it went through at once. */
  readonly attempts?: number;
  /** Error codes met on the way, for the metrics. */
  readonly errorCodes?: readonly string[];
}

/** How sure Longhaul is that the object is the file: its size was compared, or its checksum too. */
export type ProofLevel = 'size' | 'checksum';

/** The object as it stands in the store. */
export interface UploadResult {
  readonly uploadId: string;
  readonly nodeId: string;
  readonly bucket: string;
  readonly key: string;
  /** ETag as the store gave it, quotes included. Opaque: it is no MD5. */
  readonly etag: string;
  /** Version of the object, on a versioned bucket. */
  readonly versionId?: string;
  /** URL of the object without credentials. */
  readonly location: string;
  readonly sizeBytes: number;
  readonly partCount: number;
  readonly proof: ProofLevel;
  /** Of the whole object, with proof `checksum`: what the client has computed and the store has too. */
  readonly checksum?: Checksum;
  /** How it is encrypted, where that was asked for or decided by policy. */
  readonly encryption?: ObjectEncryption;
  readonly completedAtEpochMs: number;
}

/** `GET /v1/uploads/:id` */
export interface UploadStatus {
  readonly uploadId: string;
  /** The same as `uploadId`; the seed's name for the document. */
  readonly nodeId: string;
  readonly state: UploadState;
  readonly mode: UploadMode;
  /** How it is cut; one without a `partCount` while its size is unknown. */
  readonly plan: PartPlan | OpenPlan;
  readonly createdAtEpochMs: number;
  /** Parts that the store has, in order. */
  readonly receivedParts: readonly ReceivedPart[];
  /** With `COMPLETED`. */
  readonly result?: UploadResult;
  /** The last thing that went wrong: the store's code, or with `FAILED` the cause in our words. */
  readonly lastError?: string;
}

/** What the server recommends and allows, in the seed's words. */
export interface UploadLimits {
  readonly recommended_chunk_size: number;
  readonly min_chunk_size: number;
  readonly max_chunk_size: number;
  readonly max_chunks: number;
}

/** Answer of `POST /v1/uploads`. */
export interface CreateUploadResponse extends UploadStatus {
  readonly limits: UploadLimits;
  /** Capability for every later call of this upload; goes into the `longhaul-token` header. */
  readonly token: string;
  readonly tokenExpiresInSeconds: number;
  /** The upload was open already and goes on. */
  readonly resumed: boolean;
  /** First URLs to send to. Empty once nothing is left to send. */
  readonly grants: readonly Grant[];
  /**
   * Every part has to bring its digest by this algorithm when its URL is asked for, so there are no first grants but for
   * those parts whose digest by it came with the request. Left out: no digests.
   */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  /**
   * With `PENDING`, of `sse-c` in parts: CreateMultipartUpload, for the client to send with its key. What the store answers
   * goes into `POST /v1/uploads/:id/open`. There are no grants before that.
   */
  readonly openingCall?: StoreCall;
  /** The bucket itself ends the upload at this time (its own rule for unfinished uploads). */
  readonly mustFinishByEpochMs?: number;
}

/**
 * `POST /v1/uploads/:id/open`: the store has answered the {@link CreateUploadResponse.openingCall}. Answered as create is.
 * May be repeated; of several ids one wins, and the others are ended at the store.
 */
export interface OpenRequest {
  /** Believed only if the store lists it under the key of this upload. */
  readonly s3UploadId: string;
}

/** `POST /v1/uploads/batch` */
export interface BatchCreateRequest {
  readonly uploads: readonly CreateUploadRequest[];
}

/** Answer of `POST /v1/uploads/batch`: one entry for each upload asked for, in the same order. */
export interface BatchCreateResponse {
  readonly uploads: readonly BatchItem<CreateUploadResponse>[];
}

/** One entry of a batch: it went through, or it did not and the others are not touched by it. */
export type BatchItem<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

/** `POST /v1/uploads/:id/parts`: reports and requests for URLs share one call; either may be empty. */
export interface PartsRequest {
  readonly report: readonly Receipt[];
  readonly sign: readonly PartToSign[];
}

/** A part for which a URL is wanted. */
export interface PartToSign {
  readonly partNumber: number;
  /**
   * Must be what the plan says; it is signed, so the store takes no other length. While the size is unknown it may be
   * less: then this is the last part.
   */
  readonly sizeBytes: number;
  /** By the algorithm that the upload was opened with; it is signed, so the store takes no other content. */
  readonly checksum?: Checksum;
}

/** Answer of `POST /v1/uploads/:id/parts`. */
export interface PartsResponse {
  /** Parts known to be stored. */
  readonly receivedCount: number;
  readonly grants: readonly Grant[];
  /** A fresh token, when half the life of the one used is gone. */
  readonly token?: string;
}

/**
 * A call on one upload at a path that is the same for all of them: the token travels in the body, where the upload's own path
 * wants it in a header. `POST /v1/uploads/parts` and `POST /v1/uploads/complete`.
 */
export interface TokenInBody {
  readonly uploadId: string;
  readonly token: string;
}

/** `POST /v1/uploads/:id/complete`. The body may be left out. */
export interface CompleteRequest {
  /** The last parts that were stored, if nobody has reported them yet. They count as if they had been reported before. */
  readonly report?: readonly Receipt[];
  /** Size of the whole. Needed when it was unknown; must be the one that is known otherwise. */
  readonly sizeBytes?: number;
  /**
   * Of the whole content, by the upload's algorithm. Compared with what the parts make before the store is asked for the
   * object, with what the store has built, and with what was completed before.
   */
  readonly checksum?: Checksum;
}

/** Answer of `POST /v1/uploads/:id/complete`: 200 with the result, or 202 while the store is still at work. */
export type CompleteResponse =
  | { readonly state: 'COMPLETED'; readonly result: UploadResult }
  | { readonly state: 'COMPLETING'; readonly retryAfterSeconds: number };

/** `POST /v1/uploads/batch/complete` */
export interface BatchCompleteRequest {
  readonly uploads: readonly (CompleteRequest & TokenInBody)[];
}

/** Answer of `POST /v1/uploads/batch/complete`, in the order asked for. */
export interface BatchCompleteResponse {
  readonly uploads: readonly BatchItem<CompleteResponse>[];
}

/** Answer of `DELETE /v1/uploads/:id`. `ABORTING` (202): the store still has to let go, ask again. */
export type CancelResponse =
  | { readonly state: 'CANCELLED' | 'EXPIRED' | 'FAILED' }
  | { readonly state: 'ABORTING'; readonly retryAfterSeconds: number }
  | { readonly state: 'COMPLETED'; readonly result: UploadResult };

/** Answer of `GET /v1/limits?size=`. */
export interface LimitsResponse extends UploadLimits {
  /** How an upload of the size asked about would be cut. */
  readonly plan?: PartPlan;
}

/** Most entries of one batch. */
export const MAX_BATCH_ITEMS = 100;

/** Most receipts, and most parts to sign, in one parts call. */
export const MAX_PARTS_PER_CALL = 1_000;

/** Header that carries the upload's token. */
export const TOKEN_HEADER = 'longhaul-token';
