/** Limits of Amazon S3 that every store we know shares. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */

/** Smallest size of a part that is not the last one: 5 MiB. */
export const MIN_PART_SIZE_BYTES: number = 5 * 1024 ** 2;

/** Largest size of one part and of one single PUT: 5 GiB. */
export const MAX_PART_SIZE_BYTES: number = 5 * 1024 ** 3;

/** Most parts that one upload may have; part numbers run from 1 to this. */
export const MAX_PARTS = 10_000;

/** Largest object: 10,000 parts of 5 GiB, 48.8 TiB (5 TiB until December 2025). Written out: a bundler keeps a product. */
export const MAX_OBJECT_SIZE_BYTES = 53_687_091_200_000;

/** Longest life of a presigned URL: 7 days. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html */
export const MAX_PRESIGNED_EXPIRY_SECONDS: number = 7 * 24 * 3600;

/** Most entries in one page of ListParts or ListMultipartUploads. */
export const LIST_PAGE_SIZE = 1_000;

/** Most bytes of user metadata (names and values together). Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html */
export const MAX_METADATA_BYTES: number = 2 * 1024;
