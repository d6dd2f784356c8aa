import type {
  Checksum,
  Encryption,
  EncryptionMode,
  Grant,
  ObjectOptions,
  StoreCall,
} from '@longhaul/protocol';
import type { CustomerKey } from './key-vault.ts';
import type { FullObjectAlgorithm, StoreProfile } from './store-profile.ts';

/**
 * S3 or a store like it, bound to one bucket.
 *
 * Every method throws {@link ObjectStoreError} when the store refuses or cannot be reached, except where its answer
 * is a union: there the outcome is a value, because the caller has to decide on each.
 */
export interface ObjectStore {
  readonly bucket: string;
  readonly profile: StoreProfile;

  /** Sent once, never repeated: a lost answer may have made an upload that nobody knows. */
  createMultipartUpload(
    input: NewObject & { readonly checksumAlgorithm?: FullObjectAlgorithm },
  ): Promise<CreatedMultipart>;

  /**
   * Presigns CreateMultipartUpload, for a client with a key that is not known here. Everything that is said of the object
   * is a signed header, so the client can change nothing of it.
   */
  signCreate(input: NewObject & { readonly expiresInSeconds: number }): Promise<StoreCall>;

  /**
   * Presigns UploadPart. Content-Length is signed, so the store takes exactly `sizeBytes`. With `sse-c` the MD5 of the key is
   * signed, and the client adds the key.
   */
  signPart(input: {
    readonly key: string;
    readonly s3UploadId: string;
    readonly partNumber: number;
    readonly sizeBytes: number;
    readonly checksum?: Checksum;
    readonly encryption?: Encryption;
    /** With `sse-c`: is signed, too. The grant does not hold it; the client adds it all the same. */
    readonly customerKey?: CustomerKey;
    readonly expiresInSeconds: number;
  }): Promise<Grant>;

  /**
   * Presigns GET of an object, of which `Range` may ask for a stretch: it is not signed. With `sse-c` the MD5 of the key is
   * signed, and the client adds the key.
   */
  signGet(input: {
    readonly key: string;
    readonly versionId?: string;
    /** The store refuses another object with 412. */
    readonly etag?: string;
    readonly encryption?: Encryption;
    readonly expiresInSeconds: number;
  }): Promise<StoreCall>;

  /** Presigns a PUT of the whole object that cannot overwrite one (`If-None-Match: *`) where the store honours that. */
  signPut(
    input: NewObject & {
      readonly sizeBytes: number;
      readonly checksum?: Checksum;
      readonly expiresInSeconds: number;
    },
  ): Promise<Grant>;

  /**
   * Makes a part of a stretch of another object, at the store: at most `profile.maxCopySizeBytes`; `end` is the first byte that
   * is left out. Sent once.
   */
  copyPart(
    input: MultipartRef & {
      readonly partNumber: number;
      readonly source: CopySource;
      readonly range: { readonly start: number; readonly end: number };
      readonly customerKey?: CustomerKey;
    },
  ): Promise<void>;

  /** Parts that the store has, all pages, ascending; `undefined` when it knows no such upload. */
  listParts(input: MultipartRef): Promise<readonly StoredPart[] | undefined>;

  /** Sent once, with its own deadline. Only `stored` and `refused` are answers; `unknown` wants a proof. */
  completeMultipartUpload(
    input: MultipartRef & {
      readonly parts: readonly StoredPart[];
      readonly sizeBytes: number;
      readonly checksum?: Checksum;
      readonly customerKey?: CustomerKey;
    },
  ): Promise<CompleteOutcome>;

  /** Succeeds when the upload is gone, whoever ended it. Parts in flight may still land: list, and repeat. */
  abortMultipartUpload(input: MultipartRef): Promise<void>;

  /** Writes a whole object unless one is there. A checksum that the store keeps is verified and kept. */
  putObject(
    input: NewObject & { readonly body: Uint8Array; readonly checksum?: Checksum },
  ): Promise<PutOutcome>;

  /** What stands at the key; `undefined` when nothing does. */
  headObject(input: {
    readonly key: string;
    readonly versionId?: string;
    readonly customerKey?: CustomerKey;
  }): Promise<StoredObject | undefined>;

  /**
   * What a listing shows at the key, or of one version there: of objects that HEAD shows only to those who have their key.
   * `undefined` when nothing stands there.
   */
  findListed(input: { readonly key: string; readonly versionId?: string }): Promise<ListedObject | undefined>;

  /** Deletes one version, or the object of an unversioned bucket. Nothing there is a success. */
  deleteObject(input: { readonly key: string; readonly versionId?: string }): Promise<void>;

  /** Deletes all versions at a key, delete markers too. Nothing there is a success. */
  deleteVersions(input: { readonly key: string }): Promise<void>;

  /** Unfinished uploads under a prefix, all pages: for one that few of them share. */
  listMultipartUploads(input: { readonly prefix: string }): Promise<readonly OpenMultipart[]>;

  /** One page of them, of the size that the store likes; `after`: the `next` of the page before. */
  listMultipartUploadsPage(input: {
    readonly prefix: string;
    readonly after?: OpenMultipartMarker;
  }): Promise<OpenMultipartPage>;

  /** URL of an object without credentials. */
  locationOf(key: string): string;

  /** Resolves when the bucket answers. */
  ping(): Promise<void>;
}

/** What must be said when an object is begun and cannot be added later. */
export interface NewObject {
  readonly key: string;
  readonly contentType: string;
  /** Names without `x-amz-meta-`; values US-ASCII. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly encryption?: Encryption;
  /** With `sse-c`, where the store wants the key of the coordinator. */
  readonly customerKey?: CustomerKey;
  readonly objectOptions?: ObjectOptions;
}

/** What is copied. */
export interface CopySource {
  readonly key: string;
  readonly versionId?: string;
  /** Copied only while it is this one: the store refuses others with `PreconditionFailed`. */
  readonly etag?: string;
  readonly customerKey?: CustomerKey;
}

/** One multipart upload of the store. */
export interface MultipartRef {
  readonly key: string;
  readonly s3UploadId: string;
}

/** Answer of CreateMultipartUpload. */
export interface CreatedMultipart {
  readonly s3UploadId: string;
  /** The bucket's own rule ends the upload at this time (`x-amz-abort-date`). */
  readonly abortAtEpochMs?: number;
}

/** A part as the store or the client tells it. */
export interface StoredPart {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** Opaque, quotes included. */
  readonly etag: string;
  /** Of an upload that was begun with an algorithm: S3 wants each part's checksum again at Complete. */
  readonly checksum?: Checksum;
  /** Known by the store's listing alone: whose content it is, nobody has said. */
  readonly isListed?: boolean;
  /** When the store took it, as its listing tells. */
  readonly lastModifiedEpochMs?: number;
}

/** Answer of HEAD. */
export interface StoredObject {
  readonly etag: string;
  readonly sizeBytes: number;
  readonly versionId?: string;
  readonly contentType?: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly lastModifiedEpochMs?: number;
  /** Full-object checksum, where the store keeps one. */
  readonly checksum?: Checksum;
  /** How the store says that it is encrypted. */
  readonly encryption?: EncryptionMode;
}

/** An object as a listing shows it. */
export type ListedObject = Pick<StoredObject, 'etag' | 'sizeBytes' | 'versionId' | 'lastModifiedEpochMs'>;

/** What came of a CompleteMultipartUpload. */
export type CompleteOutcome =
  | { readonly kind: 'stored'; readonly etag: string; readonly versionId?: string }
  /** A 4xx with an S3 error body: the store says that it did not build the object. */
  | { readonly kind: 'refused'; readonly s3Code: string; readonly message: string }
  /** Timeout, cut, 5xx, an answer that is no answer, NoSuchUpload: only a proof can tell. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** What came of a PutObject with `If-None-Match: *`. */
export type PutOutcome =
  | { readonly kind: 'stored'; readonly etag: string; readonly versionId?: string }
  /** 412: something stands at the key; HEAD tells whether it is ours. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** An unfinished upload as ListMultipartUploads shows it. */
export interface OpenMultipart extends MultipartRef {
  readonly initiatedAtEpochMs: number;
}

/** A page of {@link OpenMultipart}. */
export interface OpenMultipartPage {
  readonly uploads: readonly OpenMultipart[];
  /** Left out of the last page. */
  readonly next?: OpenMultipartMarker;
}

/** Behind which upload of a listing a page begins. Stores that tell no upload id begin behind the key. */
export interface OpenMultipartMarker {
  readonly key: string;
  readonly s3UploadId?: string;
}

/** The store refused a call, or could not be reached. */
export class ObjectStoreError extends Error {
  override readonly name = 'ObjectStoreError';
  /**
   * `unreachable`: no answer; `throttled`: 429 or 503; `refused`: an S3 error; `unsent`: no credentials, or a certificate
   * that is not trusted, so nothing was sent, and will be until a person has mended that.
   */
  readonly kind: 'unreachable' | 'throttled' | 'refused' | 'unsent';
  /** The store's error code, for example `AccessDenied`. */
  readonly s3Code: string | undefined;

  constructor(
    kind: ObjectStoreError['kind'],
    message: string,
    options?: { s3Code?: string | undefined; cause?: unknown },
  ) {
    super(message, { cause: options?.cause });
    this.kind = kind;
    this.s3Code = options?.s3Code;
  }
}
