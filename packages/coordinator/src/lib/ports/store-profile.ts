import type { EncryptionMode, ObjectOptions } from '@longhaul/protocol';

export type { EncryptionMode };

/** Algorithms that S3 can apply to a whole multipart object. */
export type FullObjectAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME';

/**
 * What a store can and cannot do, as data. The object-store contract suite asserts the flags where it runs; `proven`
 * says whether it has run on such a store. A flag that nobody knows is `false`: nothing is built on it.
 */
export interface StoreProfile {
  /** Name of the kind of store, for messages. */
  readonly name: string;
  /**
   * How the flags came to be: our contract suite has run there; they rest on documents alone; or
   * `longhaul-coordinator doctor --write-profile` has measured one bucket.
   */
  readonly proven: 'contract-suite' | 'documents' | 'doctor';
  /** What they rest on: the version that the suite ran on, or the address of the document. */
  readonly source: string;
  /** `PutObject` honours `If-None-Match: *` with 412. */
  readonly putIfNoneMatch: boolean;
  /** `CompleteMultipartUpload` honours `If-None-Match: *` with 412. */
  readonly completeIfNoneMatch: boolean;
  /** Full-object checksums that the store verifies and keeps; empty where it ignores them. */
  readonly fullObjectChecksums: readonly FullObjectAlgorithm[];
  /** A wrong Content-MD5 is refused. */
  readonly contentMd5: boolean;
  /** A repeated Complete with the same list answers success again. */
  readonly completeIdempotent: boolean;
  /** The answer of Complete carries the ETag (Ceph 16 leaves it empty the first time). */
  readonly completeReturnsEtag: boolean;
  /** A wrong `x-amz-mp-object-size` is refused. */
  readonly verifiesObjectSize: boolean;
  /** Parts out of order are refused with InvalidPartOrder (Ceph 16 sorts them). */
  readonly refusesPartOrder: boolean;
  /** An unsigned `x-amz-*` request header is refused with 403. */
  readonly refusesUnsignedHeaders: boolean;
  /** All parts but the last must have one size (Cloudflare R2 refuses others, and only at Complete). */
  readonly equalParts: boolean;
  /**
   * A PUT whose body ends early stores nothing. versitygw 1.7 stores what came, a part even with the size that was
   * announced, unless a checksum says that something is missing.
   */
  readonly refusesCutBodies: boolean;
  /** Unknown upload ids answer NoSuchUpload to Complete (Ceph 16 answers 500). */
  readonly unknownUploadIs404: boolean;
  /** ListMultipartUploads goes on after its first page (versitygw 1.7 refuses the marker that it gave). */
  readonly pagesOpenUploads: boolean;
  /** ListMultipartUploads takes a prefix for one (MinIO wants the whole key of an upload, and lists nothing else). */
  readonly listsOpenUploadsByPrefix: boolean;
  /** Members of `objectOptions` that the store keeps, of uploads in parts too. */
  readonly objectOptions: readonly (keyof ObjectOptions)[];
  /** The bucket can keep versions. */
  readonly versioning: boolean;
  /** The bucket can end unfinished uploads by itself (AbortIncompleteMultipartUpload). */
  readonly lifecycle: boolean;
  /** Encryption that the store has. One that is not named is refused before anything is sent. */
  readonly encryption: readonly EncryptionMode[];
  /**
   * SSE-C works when algorithm and MD5 of the key are signed and the key itself is not, so that the coordinator need not
   * know it. Where `sse-c` is there and this is `false`, the key passes through the coordinator.
   */
  readonly ssecBlind: boolean;
  /** An object with SSE-C can be copied on the server (UploadPartCopy with a key for the source). */
  readonly ssecCopy: boolean;
  /** Most bytes that one UploadPartCopy takes; default 5 GiB. */
  readonly maxCopySizeBytes?: number;
  /**
   * What UploadPartCopy passes over without a word; left out: nothing. `if-match`: it takes another source than the one that is
   * meant. `checksum`: it works none out, and is refused where the upload was begun with an algorithm.
   */
  readonly copyIgnores?: readonly ('if-match' | 'checksum')[];
  /** Metadata that is signed as headers of a presigned CreateMultipartUpload is kept. */
  readonly presignedCreateMetadata: boolean;
  /** The same bytes sent again as the same part have the same ETag, without encryption by a key of the caller. */
  readonly stableEtags: boolean;
  /** Days after which the store ends unfinished uploads by itself, without any rule; `undefined`: never. */
  readonly abortAfterDays?: number;
  /** Largest object, in bytes, where that is less than S3's 48.8 TiB. */
  readonly maxObjectSizeBytes?: number;
  /** Requests that a bucket takes per second before it answers 503, where that is known to be few. */
  readonly requestsPerSecond?: number;
  /** The store speaks HTTP/2 to browsers, so one host takes more than six connections' worth of parts. */
  readonly http2?: boolean;
}

/** Names of the profiles that come with the coordinator. */
export const STORE_PROFILE_NAMES = [
  'aws',
  'b2',
  'ceph-radosgw-16',
  'digitalocean-spaces',
  'garage',
  'gcs',
  'generic',
  'local-s3',
  'minio',
  'r2',
  'rustfs',
  'seaweedfs',
  'versitygw',
  'wasabi',
] as const;

/** The name of a profile that comes with the coordinator. */
export type StoreProfileName = (typeof STORE_PROFILE_NAMES)[number];
