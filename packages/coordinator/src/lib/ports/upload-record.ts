import type {
  Checksum,
  ChecksumAlgorithm,
  Encryption,
  ObjectOptions,
  OpenPlan,
  PartPlan,
  ProofLevel,
  UploadMode,
  UploadState,
} from '@longhaul/protocol';

/** What is known of an upload before the store knows of it. */
export interface UploadDraft {
  readonly uploadId: string;
  readonly owner: string;
  readonly createId: string;
  /** Digest of what the create asked for: the same `createId` with another one is a conflict. */
  readonly requestDigest: string;
  readonly connectorId: string;
  readonly name: string;
  readonly bucket: string;
  readonly s3Key: string;
  readonly writeToken: string;
  readonly mode: UploadMode;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** An open one until completing tells the size. */
  readonly plan: PartPlan | OpenPlan;
  /** Of the whole content, as the client has told it. */
  readonly checksum?: Checksum;
  /** How the client digests each part. Left out: it does not, or the upload is older than that. */
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly encryption?: Encryption;
  /** What the store shall keep with the object beside its metadata. */
  readonly objectOptions?: ObjectOptions;
  readonly fingerprint?: string;
  /** May continue, and be continued by, an open upload of the same content. Needs a fingerprint. */
  readonly resumable: boolean;
  readonly idleLimitMs: number;
  /** A row that is still PENDING after this was made by a create that nobody will finish. */
  readonly pendingLimitMs: number;
}

/** The row of an upload. Times in milliseconds since the Unix epoch. */
export interface UploadRecord extends Omit<UploadDraft, 'resumable' | 'pendingLimitMs'> {
  readonly state: UploadState;
  readonly s3UploadId?: string;
  /** Counts the drivers of completion; writes of an older one are refused. */
  readonly epoch: number;
  readonly tokenVersion: number;
  readonly partsDigest?: string;
  /** When the newest attempt was sent whose end is not known. */
  readonly completeSentAtEpochMs?: number;
  /** From then on somebody has to look at this row again, whatever state it is in. */
  readonly nextAttemptAtEpochMs?: number;
  /** What an upload in ABORTING will be. */
  readonly abortTo?: 'CANCELLED' | 'EXPIRED';
  /** The store was asked to create it more than once, and may hold more than one. */
  readonly createRepeated: boolean;
  readonly createdAtEpochMs: number;
  readonly expiresAtEpochMs: number;
  readonly mustFinishByEpochMs?: number;
  /** No URL handed out for this upload is good after this. */
  readonly grantsExpireAtEpochMs?: number;
  readonly cancelRequested: boolean;
  readonly etag?: string;
  readonly versionId?: string;
  readonly proof?: ProofLevel;
  /** How often its object was given another encryption; stands at the end of the object key. Left out: never. */
  readonly generation?: number;
  readonly completedAtEpochMs?: number;
  readonly lastError?: string;
}
