import type { ChecksumAlgorithm, ChecksumType } from '../checksums/algorithms.ts';
import type { BytesRef } from '../storage/storage.ts';
import type { KeptChecksum, ObjectAttributes, Versioning } from './versions.ts';

/** An open multipart upload. */
export interface Upload extends UploadRecord {
  readonly parts: Map<number, Part>;
}

/** What is kept of an upload itself. Everything is fixed when it is created. */
export interface UploadRecord extends ObjectAttributes {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedEpochMs: number;
  readonly checksum?: DeclaredChecksum;
  /** S3 uses the bucket's settings of the time of creation. */
  readonly versioning?: Versioning;
}

/** The checksum that was declared for the whole upload. */
export interface DeclaredChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

/** A part that has been received whole. */
export interface Part {
  readonly partNumber: number;
  readonly sizeBytes: number;
  /** MD5 in hex. */
  readonly etag: string;
  readonly lastModifiedEpochMs: number;
  readonly bytes: BytesRef;
  readonly checksum?: Pick<KeptChecksum, 'algorithm' | 'value'>;
}

/** What became of an upload. */
export type EndedUpload = CompletedEnd | { readonly kind: 'aborted'; readonly key: string };

/** The upload became an object. */
export interface CompletedEnd {
  readonly kind: 'completed';
  readonly key: string;
  readonly listDigest: string;
  readonly answer: CompletionAnswer;
}

/** What Complete answers, the first time and every time after. */
export interface CompletionAnswer {
  readonly etag: string;
  readonly versionId?: string;
  readonly checksum?: KeptChecksum;
}
