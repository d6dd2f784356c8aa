/** Algorithms that S3 can apply to a whole multipart object. */
export type FullObjectAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME';

/** What a store can and cannot do, as data. Each flag is asserted by the object-store contract suite. */
export interface StoreProfile {
  /** Name of the kind of store, for messages. */
  readonly name: string;
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
  /** The bucket can keep versions. */
  readonly versioning: boolean;
  /** The bucket can end unfinished uploads by itself (AbortIncompleteMultipartUpload). */
  readonly lifecycle: boolean;
}
