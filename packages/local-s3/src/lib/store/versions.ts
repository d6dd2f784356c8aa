import type { ChecksumAlgorithm, ChecksumType } from '../checksums/algorithms.ts';
import type { BytesRef } from '../storage/storage.ts';

/** State of versioning; a bucket that never had it has none. */
export type Versioning = 'Enabled' | 'Suspended';

/** Version id of what was written without versioning. */
export const NULL_VERSION_ID = 'null';

/** A checksum that is kept with an object or a part. */
export interface KeptChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  /** Base64; COMPOSITE values end with `-N`. */
  readonly value: string;
}

/** Encryption at rest that was asked for. Nothing is encrypted: it is shown, and a customer's key is asked for. */
export type KeptEncryption =
  | { readonly mode: 'AES256' }
  | { readonly mode: 'aws:kms'; readonly kmsKeyId: string }
  /** SHA-256 of the key in hex, and its MD5 as S3 shows it. The key itself is not kept. */
  | { readonly mode: 'customer'; readonly keyDigest: string; readonly keyMd5: string };

/** What a client says of an object when it begins it. */
export interface ObjectAttributes {
  /** Content-Type, Cache-Control and the like, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Names without `x-amz-meta-`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly encryption?: KeptEncryption;
}

/** A stored object. */
export interface ObjectVersion extends ObjectAttributes {
  readonly kind: 'object';
  readonly versionId: string;
  readonly lastModifiedEpochMs: number;
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  readonly bytes: BytesRef;
  readonly checksum?: KeptChecksum;
  /** The upload that became this object: tells after a restart that the upload is done. */
  readonly completed?: CompletedUpload;
}

/** Which list of parts an upload was completed with. */
export interface CompletedUpload {
  readonly uploadId: string;
  readonly listDigest: string;
}

/** Hides the versions below it. */
export interface DeleteMarker {
  readonly kind: 'marker';
  readonly versionId: string;
  readonly lastModifiedEpochMs: number;
}

/** What a key holds: newest first. */
export type Versions = readonly (ObjectVersion | DeleteMarker)[];

/** A new list, and the objects that it no longer holds. */
export interface VersionChange {
  readonly versions: Versions;
  readonly removed: readonly ObjectVersion[];
}

/** The object that a plain GET sees. */
export function visibleObject(versions: Versions | undefined): ObjectVersion | undefined {
  const newest = versions?.[0];
  return newest?.kind === 'object' ? newest : undefined;
}

/** Puts a version on top. One with the null id takes the place of the one that has it. */
export function addVersion(versions: Versions, added: ObjectVersion | DeleteMarker): VersionChange {
  const { versions: others, removed } = dropVersion(versions, added.versionId);
  return { versions: [added, ...others], removed };
}

/** Takes one version out for good. */
export function dropVersion(versions: Versions, versionId: string): VersionChange {
  return {
    versions: versions.filter((version) => version.versionId !== versionId),
    removed: versions
      .filter((version) => version.versionId === versionId)
      .filter((version) => version.kind === 'object'),
  };
}
