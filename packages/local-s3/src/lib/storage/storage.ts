import type { ReadableStream } from 'node:stream/web';

/**
 * Where records and bytes are kept. It knows nothing of S3.
 *
 * - **record**: a small JSON value under a name like `buckets/photos`; a write replaces it whole or not at all.
 * - **bytes**: the content of a part or of an object, written once and never changed after.
 * - **group**: bytes that belong together and go together (the parts of one upload).
 *
 * The caller orders its writes so that a stop between any two of them leaves records that tell the truth; bytes that
 * no record refers to are swept at the next start.
 */
export interface Storage {
  /** Every record. Called once, before anything else. */
  loadRecords(): Promise<readonly StoredRecord[]>;
  writeRecord(name: string, value: unknown): Promise<void>;
  /** Removes the record of that name and those below `name/`. None there is a success. */
  removeRecords(name: string): Promise<void>;

  /** Room for new bytes. The caller ends it with `finish` or `discard`. */
  beginBytes(placement?: BytesPlacement): Promise<ByteWriter>;
  /**
   * The bytes from `start` up to but not including `end`. They are held from the moment of the call: a later
   * {@link Storage.removeBytes} does not disturb the reader.
   */
  readBytes(ref: BytesRef, start: number, end: number): ReadableStream<Uint8Array>;
  /**
   * The given bytes end to end as new bytes; those given stay as they are. `mayReuse` promises that no other bytes
   * of the group are referred to, so that they may be joined where they lie.
   */
  joinBytes(refs: readonly BytesRef[], options: { readonly mayReuse: boolean }): Promise<BytesRef>;
  removeBytes(ref: BytesRef): Promise<void>;
  removeGroup(group: string): Promise<void>;
  /** Removes all bytes but these. Called once, after {@link Storage.loadRecords}. */
  keepOnlyBytes(live: readonly BytesRef[]): Promise<void>;

  /** Makes the object visible to people where the storage can, in place of what was visible there. */
  showObject(bucket: string, key: string, ref: BytesRef): Promise<void>;
  hideObject(bucket: string, key: string): Promise<void>;
  /** Path of a plain file with exactly these bytes; `undefined` where there is none. */
  objectFile(bucket: string, key: string, ref: BytesRef): string | undefined;
}

/** A record with its name. */
export interface StoredRecord {
  readonly name: string;
  readonly value: unknown;
}

/** Where bytes lie; only the storage that made it can read it. It is kept inside records. */
export interface BytesRef {
  readonly file: string;
  readonly offsetBytes: number;
  readonly sizeBytes: number;
}

/** A hint for parts: number and size let the storage lay equal parts side by side. */
export interface BytesPlacement {
  readonly group: string;
  readonly partNumber: number;
  readonly sizeBytes: number;
}

/** Takes the bytes in order. */
export interface ByteWriter {
  /** Resolves when the storage has the bytes; until then they must not change. Not to be called in parallel. */
  write(bytes: Uint8Array): Promise<void>;
  finish(): Promise<BytesRef>;
  discard(): Promise<void>;
}
