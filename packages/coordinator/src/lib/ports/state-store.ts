import type { ChecksumAlgorithm, Encryption, OpenPlan, PartPlan, UploadState } from '@longhaul/protocol';
import type { StoredPart } from './object-store.ts';

/**
 * Hot state: what every parts call needs, and the parts received so far. Fast, and rebuildable from the catalog and
 * from the store's own listing; losing it loses nothing.
 *
 * Throws {@link StateStoreError} when the store behind it cannot be reached.
 */
export interface StateStore {
  /** The hot record; `undefined` when there is none, or only an unfinished one: rebuild it with {@link restore}. */
  find(uploadId: string): Promise<HotUpload | undefined>;

  /** Parts received, ascending. Empty when there is no record. */
  parts(uploadId: string): Promise<readonly StoredPart[]>;

  /**
   * Writes down parts, last write of a number wins, and renews the record's life; without parts it only does that, and
   * counts. Nothing is written unless the upload is `UPLOADING`: `closed` then, or `absent` without a record.
   */
  record(uploadId: string, parts: readonly StoredPart[]): Promise<RecordOutcome>;

  /**
   * Writes the whole record, with parts known from elsewhere. A part that is already there is newer and stays. Where the
   * catalog's row itself is the record, only the parts are written. Read the catalog again afterwards: a change of state
   * that came between has found no record to change. A `tokenVersion` that is higher already stays.
   */
  restore(upload: HotUpload, parts: readonly StoredPart[]): Promise<void>;

  /** Follows the catalog's change of state. Without a record, or where the catalog's row is the record, nothing happens. */
  setStatus(uploadId: string, status: UploadState): Promise<void>;

  /** Forgets the parts, and the record unless it is the catalog's row. */
  remove(uploadId: string): Promise<void>;

  /**
   * The upload has ended: the record tells how until it dies, and the parts are forgotten. Without a record, or where the
   * catalog's row is the record, only the parts are forgotten.
   */
  finish(uploadId: string, end: HotEnd): Promise<void>;

  /** When parts were last written down, by this store's own clock; `undefined` when it does not know. */
  lastActiveAtEpochMs(uploadId: string): Promise<number | undefined>;

  /** Resolves when the store answers. */
  ping(): Promise<void>;

  /** Lets go of connections. */
  close(): Promise<void>;
}

/** What a parts call needs to know of an upload. */
export interface HotUpload {
  readonly uploadId: string;
  readonly owner: string;
  readonly s3Key: string;
  readonly s3UploadId: string;
  readonly status: UploadState;
  readonly plan: PartPlan | OpenPlan;
  readonly encryption?: Encryption;
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly tokenVersion: number;
  readonly createdAtEpochMs: number;
}

/** How an upload ended, in hot state. */
export interface HotEnd {
  readonly status: UploadState;
  readonly etag?: string;
  readonly versionId?: string;
  readonly completedAtEpochMs?: number;
  readonly error?: string;
}

/** What came of {@link StateStore.record}. */
export type RecordOutcome =
  | {
      readonly kind: 'recorded';
      readonly receivedCount: number;
      /** Those of the parts given that were not known just so: a report that is repeated adds none. */
      readonly newPartNumbers: readonly number[];
    }
  | { readonly kind: 'closed'; readonly status: UploadState }
  | { readonly kind: 'absent' };

/** The state store could not be reached, or refused to write. */
export class StateStoreError extends Error {
  override readonly name = 'StateStoreError';
}
