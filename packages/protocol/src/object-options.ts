/**
 * What S3 can keep with an object beside its metadata, said when it is begun. The server's policy says which of them may
 * be asked for.
 */
export interface ObjectOptions {
  /** For example `STANDARD_IA`, `INTELLIGENT_TIERING`. */
  readonly storageClass?: string;
  /** At most 10; names of 1 to 128 characters, values of up to 256, both as S3 allows them. */
  readonly tags?: Readonly<Record<string, string>>;
  /** `Cache-Control` of downloads. Printable US-ASCII, at most 1,024 characters; so are the next two. */
  readonly cacheControl?: string;
  /** `Content-Disposition` of downloads. */
  readonly contentDisposition?: string;
  /** `Content-Encoding` of the content as it is uploaded, for example `gzip`. Nothing is encoded by it. */
  readonly contentEncoding?: string;
  /** Keeps the version from being deleted. For buckets with object lock. */
  readonly objectLock?: ObjectLock;
}

/** Object lock of one version: a retention, a legal hold, or both. */
export interface ObjectLock {
  /** `COMPLIANCE`: nobody can delete it before its time, not even the account's owner. Needs `retainUntil`. */
  readonly mode?: 'GOVERNANCE' | 'COMPLIANCE';
  /** RFC 3339 in UTC, for example `2030-01-01T00:00:00Z`. Needs `mode`. */
  readonly retainUntil?: string;
  readonly legalHold?: boolean;
}

/** A member of {@link ObjectOptions}. */
export type ObjectOptionName = keyof ObjectOptions;

/** All of them. */
export const OBJECT_OPTION_NAMES: readonly ObjectOptionName[] = [
  'storageClass',
  'tags',
  'cacheControl',
  'contentDisposition',
  'contentEncoding',
  'objectLock',
];
