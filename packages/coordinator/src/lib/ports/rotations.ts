import type { Encryption, PartPlan, ProofLevel, RotationState } from '@longhaul/protocol';

/**
 * Rotations: what gives an object that is complete another encryption, by a copy to another object key. One row for each;
 * of one node at most one is open. Every change is a compare-and-set.
 *
 * Times come from the catalog's own clock. Throws `CatalogError` when the database cannot be reached.
 */
export interface Rotations {
  /**
   * Inserts a row in state PENDING under the next generation of its node, due at once. When the node has a rotation with
   * that id, or an open one, nothing is inserted and that is the answer.
   */
  insert(draft: RotationDraft): Promise<InsertRotationOutcome>;

  /** The newest rotation of a node, or the one with that id. */
  find(uploadId: string, rotationId?: string): Promise<RotationRecord | undefined>;

  /** Up to `limit` rotations of a bucket that are due and that nobody drives, longest due first. Changes nothing. */
  findDue(due: { readonly bucket: string; readonly limit: number }): Promise<readonly RotationRecord[]>;

  /** Rotations with one of these keys, for the copy or for what is copied. */
  findByKeys(keys: readonly string[]): Promise<readonly RotationRecord[]>;

  /** How many are not at an end, and how long the oldest of them has been going on. */
  countOpen(): Promise<OpenRotations>;

  /**
   * Makes the caller the driver for so long, and raises the epoch: writes of the driver before are refused from then on.
   * `undefined`: somebody drives it, or there is nothing to drive.
   */
  take(ref: RotationRef, leaseMs: number): Promise<RotationRecord | undefined>;

  /** The driver is still at it, and this many parts are copied. `false`: it is the driver no more. */
  renew(
    rotation: DrivenRotation,
    progress: { readonly leaseMs: number; readonly copiedPartCount?: number },
  ): Promise<boolean>;

  /** PENDING → COPYING; with the multipart id of the copy, where it has one. In COPYING it takes the place of the one before. */
  saveCopy(rotation: DrivenRotation, s3UploadId?: string): Promise<RotationRecord | undefined>;

  /** Remembers that the copy is about to be completed: it must not be aborted soon. `false`: it is the driver no more. */
  recordComplete(rotation: DrivenRotation): Promise<boolean>;

  /**
   * COPYING → SWITCHED, the node's row takes the copy for its object, and the event tells of it: all or nothing. `undefined`:
   * it is the driver no more, or the node's object is not the one that was copied.
   */
  switchObject(rotation: DrivenRotation, copy: CopiedObject): Promise<RotationRecord | undefined>;

  /**
   * SWITCHED → DONE: the old object is gone, or as `lastError` says cannot be deleted. Due for what may appear there again when
   * so much time has passed, where that is said.
   */
  finish(
    rotation: DrivenRotation,
    end: { readonly lastError?: string; readonly checkAgainAfterMs?: number },
  ): Promise<RotationRecord | undefined>;

  /**
   * PENDING | COPYING → FAILED: the object stays as it was. Due for what is left of the copy: at once, or `quietForMs` from now
   * where it was about to be completed.
   */
  fail(
    rotation: DrivenRotation,
    failure: { readonly lastError: string; readonly quietForMs: number },
  ): Promise<RotationRecord | undefined>;

  /** The driver lets go; due after `delayMs`, and for whoever wants to take it at once. */
  postpone(
    rotation: DrivenRotation,
    delay: { readonly delayMs: number; readonly lastError?: string },
  ): Promise<void>;

  /** Nothing is left at the store of a rotation that has ended: it is not due any more. */
  finishCleanup(rotation: DrivenRotation): Promise<void>;
}

/** A state from which a rotation goes on. */
export type OpenRotationState = Exclude<RotationState, 'DONE' | 'FAILED'>;

/** Rotations that are not at an end, in the whole catalog. */
export interface OpenRotations {
  readonly counts: Readonly<Record<OpenRotationState, number>>;
  readonly oldestAgeMs?: number;
}

/** One rotation of one node. */
export interface RotationRef {
  readonly uploadId: string;
  readonly rotationId: string;
}

/** A rotation as its driver has taken it. */
export type DrivenRotation = RotationRef & { readonly epoch: number };

/** What is known of a rotation before anything is done. */
export interface RotationDraft extends RotationRef {
  readonly bucket: string;
  /** Object key of the node before it was ever rotated; a dot and the generation come behind it. */
  readonly baseKey: string;
  /** What is copied: nothing is inserted when the node has another object by now. */
  readonly sourceKey: string;
  readonly writeToken: string;
  readonly encryption: Encryption;
  readonly plan: PartPlan;
  readonly deleteVersions: boolean;
}

/** The row of a rotation. Times in milliseconds since the Unix epoch. */
export interface RotationRecord extends Omit<RotationDraft, 'baseKey'> {
  readonly state: RotationState;
  /** Object key of the copy. */
  readonly s3Key: string;
  readonly generation: number;
  readonly epoch: number;
  /** How the source is encrypted, and which version it is. */
  readonly sourceEncryption?: Encryption;
  readonly sourceVersionId?: string;
  readonly sourceEtag?: string;
  /** Of the copy, where it is made of parts. */
  readonly s3UploadId?: string;
  readonly completeSent: boolean;
  readonly copiedPartCount: number;
  readonly createdAtEpochMs: number;
  readonly nextAttemptAtEpochMs?: number;
  readonly lastError?: string;
}

/** What came of {@link Rotations.insert}. */
export type InsertRotationOutcome =
  | {
      /** `inserted`: the row is new. `repeated`: same id. `open`: another one is under way. */
      readonly kind: 'inserted' | 'repeated' | 'open';
      readonly rotation: RotationRecord;
    }
  /** The node's object is not the one that the draft was made for. */
  | { readonly kind: 'moved' };

/** The copy as HEAD has shown it. */
export interface CopiedObject {
  readonly etag: string;
  readonly versionId?: string;
  readonly proof: ProofLevel;
}
