import type { Checksum, Encryption, PartPlan, ProofLevel, UploadMode, UploadState } from '@longhaul/protocol';

/**
 * The durable truth: one row for each upload. Every change of state is a compare-and-set, so that of two callers
 * exactly one wins; the loser is told by `undefined` and reads the row.
 *
 * Times come from the catalog's own clock. Throws {@link CatalogError} when the database cannot be reached.
 */
export interface Catalog {
  /** Brings the schema up to date, under a lock; safe to call from many processes at once. */
  migrate(): Promise<void>;

  /**
   * Inserts a row in state PENDING. When the owner used the same `createId` before, nothing is inserted and that row
   * is the answer. The same goes, with `resumable` and a fingerprint, for a resumable upload of the owner in PENDING or
   * UPLOADING that has the same connector, fingerprint, size, bucket, content type and encryption (mode and key).
   */
  insert(draft: UploadDraft): Promise<InsertOutcome>;

  /** The row; `undefined` when there is none. */
  find(uploadId: string): Promise<UploadRecord | undefined>;

  /** PENDING → UPLOADING with the id that the store gave. `undefined`: somebody else was first, or it was cancelled. */
  saveMultipart(
    uploadId: string,
    multipart: { s3UploadId: string; mustFinishByEpochMs?: number },
  ): Promise<UploadRecord | undefined>;

  /** PENDING → UPLOADING of an upload that needs no multipart id (single PUT, inline). */
  openWithoutMultipart(uploadId: string): Promise<UploadRecord | undefined>;

  /**
   * Remembers until when the URLs handed out are good, before they are; and moves the idle limit as
   * {@link recordActivity} does. `false`: the upload is not UPLOADING (any more), so hand out no URL.
   */
  recordGrant(uploadId: string, grant: { expiresInSeconds: number }): Promise<boolean>;

  /** Moves the expiry of a PENDING or UPLOADING upload on once half its span is gone. Cheap to call often. */
  recordActivity(uploadId: string): Promise<void>;

  /**
   * Writes down an attempt to complete, before it is sent: UPLOADING → COMPLETING, or COMPLETING again once
   * `next_attempt_at` has passed. Raises the epoch; the digest is that of the newest epoch's list. `undefined`: another
   * driver is at it, or the state is another.
   */
  beginCompletion(uploadId: string, attempt: CompletionAttempt): Promise<UploadRecord | undefined>;

  /** COMPLETING → COMPLETED, refused (`undefined`) when the epoch moved. */
  finishCompletion(
    uploadId: string,
    epoch: number,
    object: CompletedObject,
  ): Promise<UploadRecord | undefined>;

  /**
   * COMPLETING → UPLOADING after a definite refusal, keeping the reason. Refused when the epoch moved. `cancelRequested`
   * stays for the caller to honour. When the same content has another open upload by now, this one goes on but is no
   * longer found by its fingerprint.
   */
  reopen(uploadId: string, epoch: number, lastError: string): Promise<UploadRecord | undefined>;

  /** COMPLETING stays, the reason is kept. Refused when the epoch moved. */
  noteError(uploadId: string, epoch: number, lastError: string): Promise<void>;

  /** COMPLETING → FAILED, on proof only. Refused when the epoch moved. */
  fail(uploadId: string, epoch: number, lastError: string): Promise<UploadRecord | undefined>;

  /** PENDING|UPLOADING → ABORTING. `undefined` in any other state. */
  beginAbort(uploadId: string): Promise<UploadRecord | undefined>;

  /** ABORTING → CANCELLED. `undefined` in any other state. */
  finishAbort(uploadId: string): Promise<UploadRecord | undefined>;

  /** COMPLETING: remembers that the client wants to cancel, honoured if the upload reopens. */
  requestCancel(uploadId: string): Promise<void>;

  /** Resolves when the database answers. */
  ping(): Promise<void>;

  /** Lets go of connections. */
  close(): Promise<void>;
}

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
  readonly plan: PartPlan;
  readonly checksum?: Checksum;
  readonly encryption?: Encryption;
  readonly fingerprint?: string;
  /** May continue, and be continued by, an open upload of the same content. Needs a fingerprint. */
  readonly resumable: boolean;
  readonly idleLimitMs: number;
}

/** The row of an upload. Times in milliseconds since the Unix epoch. */
export interface UploadRecord extends Omit<UploadDraft, 'idleLimitMs' | 'resumable'> {
  readonly state: UploadState;
  readonly s3UploadId?: string;
  /** Counts the drivers of completion; writes of an older one are refused. */
  readonly epoch: number;
  readonly tokenVersion: number;
  readonly partsDigest?: string;
  readonly completeSentAtEpochMs?: number;
  readonly nextAttemptAtEpochMs?: number;
  readonly createdAtEpochMs: number;
  readonly expiresAtEpochMs: number;
  readonly mustFinishByEpochMs?: number;
  /** No URL handed out for this upload is good after this. */
  readonly grantsExpireAtEpochMs?: number;
  readonly cancelRequested: boolean;
  readonly etag?: string;
  readonly versionId?: string;
  readonly proof?: ProofLevel;
  readonly completedAtEpochMs?: number;
  readonly lastError?: string;
}

/** What came of {@link Catalog.insert}. */
export interface InsertOutcome {
  /** `inserted`: the row is new. `repeated`: same createId. `open`: an open upload of the same content. */
  readonly kind: 'inserted' | 'repeated' | 'open';
  readonly record: UploadRecord;
}

/** An attempt to complete. */
export interface CompletionAttempt {
  /** Digest of the frozen list of parts; empty for a single PUT or inline. */
  readonly partsDigest: string;
  /** How long other drivers keep their hands off. */
  readonly redriveAfterMs: number;
}

/** What the store holds once the upload is complete. */
export interface CompletedObject {
  readonly etag: string;
  readonly versionId?: string;
  readonly proof: ProofLevel;
}

/** The catalog could not be reached, or refused. */
export class CatalogError extends Error {
  override readonly name = 'CatalogError';
}
