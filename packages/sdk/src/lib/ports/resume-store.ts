import type { ByteSource } from './byte-source.ts';

/**
 * Remembers which upload belongs to which file, so that the next run asks for the same one. A hint only: the
 * coordinator's record is the truth, and without any hint it still finds an open upload by its fingerprint. A store
 * that rejects costs an upload nothing but the hint.
 */
export interface ResumeStore {
  /** The hint kept under `key`; `undefined` when there is none, or none that can be read. */
  find(key: string): Promise<ResumeHint | undefined>;
  /** Keeps `hint` under `key`, in place of an older one. */
  remember(key: string, hint: ResumeHint, details: ResumeDetails): Promise<void>;
  /** Removes what is kept under `key`; nothing there is fine. */
  forget(key: string): Promise<void>;
  /** Uploads below this size are not remembered: looking them up may take longer than sending them. Default 0. */
  readonly minSizeBytes?: number;
}

/** What is worth knowing of an upload that has not ended. Plain JSON. */
export interface ResumeHint {
  /** The same one answers the same upload. */
  readonly createId: string;
  /** As it was when the upload began. A file changed since then is not continued. */
  readonly lastModifiedEpochMs?: number | undefined;
  /** When the hint was written, so that a store may drop what is old. */
  readonly savedAtEpochMs: number;
}

/** What a store may keep besides the hint, to show a user what was left open. */
export interface ResumeDetails {
  /** Address of the coordinator. */
  readonly address: string;
  readonly fingerprint: string;
  /** Closed when the upload ends: of use while `remember` runs. */
  readonly source: Pick<ByteSource, 'name' | 'sizeBytes' | 'handle'>;
  /** What `upload()` was given besides the source. */
  readonly options: object;
}
