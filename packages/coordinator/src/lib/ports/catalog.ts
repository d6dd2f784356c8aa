import type { Checksum, PartPlan, ProofLevel, UploadState } from '@longhaul/protocol';
import type { Outbox } from './outbox.ts';
import type { OwnerQuota } from './owner-quota.ts';
import type { Rotations } from './rotations.ts';
import type { UploadDraft, UploadRecord } from './upload-record.ts';

/**
 * The durable truth: one row for each upload. Every change of state is a compare-and-set, so that of two callers
 * exactly one wins; the loser is told by `undefined` and reads the row. A row that ends writes its event into the
 * {@link Outbox} in the same transaction.
 *
 * Times come from the catalog's own clock. Throws {@link CatalogError} when the database cannot be reached.
 */
export interface Catalog extends CompletionCatalog, AbortCatalog, SweepCatalog {
  /** Events that the rows have written. */
  readonly outbox: Outbox;

  /** What gives complete objects another encryption. */
  readonly rotations: Rotations;

  /** Brings the schema up to date, under a lock; safe to call from many processes at once. */
  migrate(): Promise<void>;

  /** Who wrote this database; made by the first {@link migrate}. */
  installation(): Promise<Installation>;

  /**
   * Inserts a row in state PENDING, due after `pendingLimitMs`. When the owner used the same `createId` before, nothing
   * is inserted and that row is the answer. The same goes, with `resumable` and a fingerprint, for a resumable upload of
   * the owner in PENDING or UPLOADING that has the same connector, fingerprint, size, bucket, content type and
   * encryption (mode and key).
   *
   * With a quota it is kept in the same transaction, however many create at once; rows that were there already pass.
   *
   * @throws QuotaExceededError
   */
  insert(draft: UploadDraft, quota?: OwnerQuota): Promise<InsertOutcome>;

  /**
   * Counts an upload whose size is unknown as so many bytes at least from now on, within its owner's quota. Nothing
   * happens once the size is known, or when it counts as that many already.
   *
   * @throws QuotaExceededError
   */
  reserve(uploadId: string, sizeBytes: number, quota: OwnerQuota): Promise<void>;

  /** Raises `tokenVersion`, in any state: tokens given out before are good no more. `undefined`: there is no such row. */
  revokeTokens(uploadId: string): Promise<UploadRecord | undefined>;

  /** The row; `undefined` when there is none. */
  find(uploadId: string): Promise<UploadRecord | undefined>;

  /**
   * A create of a PENDING row is about to be sent to the store again, so an earlier one may have left something there:
   * remembers that, and makes the row due after `pendingLimitMs` from now. `undefined`: the row is not PENDING any more.
   */
  repeatCreate(uploadId: string, pendingLimitMs: number): Promise<UploadRecord | undefined>;

  /** PENDING → UPLOADING with the id that the store gave. `undefined`: somebody else was first, or it was cancelled. */
  saveMultipart(
    uploadId: string,
    multipart: { s3UploadId: string; mustFinishByEpochMs?: number },
  ): Promise<UploadRecord | undefined>;

  /**
   * PENDING → UPLOADING of an upload that needs no multipart id (single PUT, inline). An inline one stays due: nobody
   * will send its bytes later.
   */
  openWithoutMultipart(uploadId: string): Promise<UploadRecord | undefined>;

  /**
   * Remembers until when the URLs handed out are good, before they are; and moves the idle limit as
   * {@link recordActivity} does. `false`: the upload is not UPLOADING (any more), so hand out no URL.
   */
  recordGrant(uploadId: string, grant: { expiresInSeconds: number }): Promise<boolean>;

  /** Moves the expiry of a PENDING or UPLOADING upload on once half its span is gone. Cheap to call often. */
  recordActivity(uploadId: string): Promise<void>;

  /** Resolves when the database answers. */
  ping(): Promise<void>;

  /** Lets go of connections. */
  close(): Promise<void>;
}

/** The catalog's part in completing an upload. Every change is refused (`undefined`) once the epoch has moved. */
export interface CompletionCatalog {
  /**
   * Writes down an attempt to complete, before it is sent: UPLOADING → COMPLETING, or COMPLETING again once
   * `next_attempt_at` has passed. Raises the epoch; the digest is that of the newest epoch's list. `undefined`: another
   * driver is at it, or the state is another.
   */
  beginCompletion(uploadId: string, attempt: CompletionAttempt): Promise<UploadRecord | undefined>;

  /** COMPLETING → COMPLETED, with the event. Due at once when a create was repeated: it may have left something. */
  finishCompletion(
    uploadId: string,
    epoch: number,
    object: CompletedObject,
  ): Promise<UploadRecord | undefined>;

  /**
   * The store has refused the attempt of this epoch for good, so that attempt is resolved. COMPLETING → UPLOADING when
   * no earlier one is unresolved, or all of them were sent more than `attemptOverAfterMs` ago; else COMPLETING stays,
   * due after `redriveAfterMs`. The reason is kept either way.
   *
   * `cancelRequested` stays for the caller to honour, and with it the row is due at once. When the same content has
   * another open upload by now, this one goes on but is no longer found by its fingerprint.
   */
  refuseCompletion(
    uploadId: string,
    epoch: number,
    refusal: {
      readonly lastError: string;
      readonly attemptOverAfterMs: number;
      readonly redriveAfterMs: number;
    },
  ): Promise<UploadRecord | undefined>;

  /** Nobody can tell yet: COMPLETING stays, due after `redriveAfterMs`, and the reason is kept. */
  postponeCompletion(
    uploadId: string,
    epoch: number,
    delay: { readonly lastError: string; readonly redriveAfterMs: number },
  ): Promise<void>;

  /**
   * COMPLETING → FAILED, on proof only, with the event; due at once, for what is left at the store. Refused, too, while
   * an attempt was sent less than `quietForMs` ago.
   */
  fail(
    uploadId: string,
    epoch: number,
    failure: { readonly lastError: string; readonly quietForMs: number },
  ): Promise<UploadRecord | undefined>;

  /** COMPLETING: remembers that the client wants to cancel, honoured if the upload reopens. */
  requestCancel(uploadId: string): Promise<void>;
}

/** The catalog's part in ending an upload without an object. */
export interface AbortCatalog {
  /**
   * PENDING|UPLOADING → ABORTING, due after `redriveAfterMs`. `undefined` in any other state, with an attempt to complete
   * that is unresolved, and with `onlyIfDue` when the row is neither expired nor due (any more). Of one that has its
   * multipart id only the expiry counts then.
   */
  beginAbort(uploadId: string, abort: AbortIntent): Promise<UploadRecord | undefined>;

  /**
   * ABORTING → what it was begun for, with the event. `checkAgainAfterMs`: what is in flight may still land at the
   * store, so the row is due once more then. `undefined` in any other state.
   */
  finishAbort(
    uploadId: string,
    end?: { readonly checkAgainAfterMs: number },
  ): Promise<UploadRecord | undefined>;
}

/** The catalog's part in looking after uploads that nobody else looks after. */
export interface SweepCatalog {
  /**
   * Up to `limit` rows of a bucket that are due (`next_attempt_at` or, while PENDING or UPLOADING, `expires_at` has
   * passed), longest due first, and hides them from other sweepers for `leaseMs`. A lease is economy only: whatever is done with the row
   * is a compare-and-set of its own.
   */
  claimDue(claim: DueClaim): Promise<readonly UploadRecord[]>;

  /**
   * Moves the expiry of a PENDING or UPLOADING upload to `lastActiveAtEpochMs` and its idle limit, never back. One that
   * has its multipart id is due by its expiry alone from then on.
   */
  extendExpiry(uploadId: string, lastActiveAtEpochMs: number): Promise<void>;

  /** Makes a row that is still in `state` due again after `delayMs`. `lastError` is kept if given. */
  postpone(
    uploadId: string,
    state: UploadState,
    delay: { readonly delayMs: number; readonly lastError?: string },
  ): Promise<void>;

  /** Nothing is left at the store of an upload that has ended: it is not due any more. Nothing happens in other states. */
  finishCleanup(uploadId: string): Promise<void>;

  /**
   * Writes the events of ended rows that have none: those ended by a program of a version without an outbox. Answers how
   * many.
   */
  writeMissingEvents(limit: number): Promise<number>;

  /** Rows by their object key; keys without a row are left out. */
  findByKeys(keys: readonly string[]): Promise<readonly UploadRecord[]>;

  /** How many uploads are open in each state, and how long the oldest completion is without a known end. Cheap. */
  openUploads(): Promise<OpenUploads>;
  /** When the oldest upload was created that is neither complete nor ended; `undefined`: there is none. */
  oldestOpenCreatedAtEpochMs(): Promise<number | undefined>;

  /**
   * Removes rows that were CANCELLED, EXPIRED or FAILED more than `retainMs` ago, are not due and have sent their
   * events. Answers how many. COMPLETED rows stay: they are the record of what is stored.
   *
   * @param limit most rows of one call, so that no transaction holds up others; default all
   */
  removeEnded(retainMs: number, limit?: number): Promise<number>;
}

/** Uploads that are neither complete nor ended. */
export interface OpenUploads {
  readonly counts: Readonly<Record<OpenUploadState, number>>;
  /** Since its first attempt was sent; left out when nothing is COMPLETING. */
  readonly oldestCompletingAgeMs?: number;
}

/** A state that is no end. */
export type OpenUploadState = Extract<UploadState, 'PENDING' | 'UPLOADING' | 'COMPLETING' | 'ABORTING'>;

/** Rows to look after. */
export interface DueClaim {
  /** What another bucket holds, whoever asks this one cannot see. */
  readonly bucket: string;
  readonly limit: number;
  readonly leaseMs: number;
}

/** A database and since when it is one. */
export interface Installation {
  /** A UUID, no secret: it may stand in object keys. */
  readonly installationId: string;
  readonly createdAtEpochMs: number;
}

/** Why an upload is ended. */
export interface AbortIntent {
  /** What it will be in the end. */
  readonly to: NonNullable<UploadRecord['abortTo']>;
  /** How long others keep their hands off. */
  readonly redriveAfterMs: number;
  readonly onlyIfDue?: boolean;
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
  /** What an upload whose size was unknown turns out to be: for good. One whose size is another is refused. */
  readonly size?: Pick<PartPlan, 'sizeBytes' | 'partCount'>;
  /** Of the whole content, where it is known by now. Left out: the row keeps what it has. */
  readonly checksum?: Checksum;
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
