/** Limits of Amazon S3. Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */

/** Smallest part that is not the last one. */
export const MIN_PART_SIZE_BYTES: number = 5 * 1024 ** 2;

/** Largest part, and largest single PUT. */
export const MAX_PUT_SIZE_BYTES: number = 5 * 1024 ** 3;

/** Part numbers run from 1 to this. */
export const MAX_PART_NUMBER = 10_000;

/** Most entries of one page of any listing. */
export const LIST_PAGE_SIZE = 1_000;

/** Longest life of a presigned URL. */
export const MAX_EXPIRES_SECONDS: number = 7 * 24 * 3600;

/** How far the clock of a signer may be off. */
export const MAX_SKEW_MS: number = 15 * 60 * 1000;

/** Longest key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1_024;

/** Most user metadata, names and values together. */
export const MAX_METADATA_BYTES: number = 2 * 1024;

/** Largest XML document that a client may send; a list of 10,000 parts with checksums stays below. */
export const MAX_XML_BYTES: number = 8 * 1024 ** 2;
