import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Checksum, Grant, ObjectOptions, StoreCall } from '@longhaul/protocol';
import { expect } from 'vitest';
import type {
  CompleteOutcome,
  MultipartRef,
  NewObject,
  ObjectStore,
  StoredObject,
  StoredPart,
} from '../ports/object-store.ts';
import type { FullObjectAlgorithm } from '../ports/store-profile.ts';

/** One bucket, empty and nobody else's, and what the suite needs beside the port. */
export interface ObjectStoreHarness {
  readonly objectStore: ObjectStore;
  /**
   * The same bucket by an adapter whose profile claims everything (all conditions and checksums are sent), so that
   * what the store lacks is seen to be lacking. An adapter that always sends everything gives `objectStore` again.
   */
  readonly trusting: ObjectStore;
  /** Sends the grant's PUT with its headers; `extraHeaders` are added to them, or take their place. */
  readonly send: (
    grant: Grant,
    body: Uint8Array,
    extraHeaders?: Readonly<Record<string, string>>,
  ) => Promise<SendAnswer>;
  /** Begins the grant's PUT and goes away in the middle of the body, as a process that is killed does. */
  readonly sendCut: (grant: Grant, body: Uint8Array) => Promise<void>;
  /** Sends a presigned GET with its headers and these. */
  readonly get: (
    call: StoreCall,
    extraHeaders?: Readonly<Record<string, string>>,
  ) => Promise<{ readonly status: number; readonly bytes: Uint8Array }>;
  /** The bytes that stand at a key; of an object under a key of the caller's with that key (both base64). */
  read(key: string, customerKey?: { readonly key: string; readonly md5: string }): Promise<Uint8Array>;
  /**
   * Sends a presigned CreateMultipartUpload with its headers and these, and answers the id. Left out: of stores that take no
   * key from whoever did not sign.
   */
  readonly begin?: (call: StoreCall, extraHeaders: Readonly<Record<string, string>>) => Promise<string>;
  /** What the store shows of an object's options. Left out: of stores that keep none. */
  readonly optionsOf?: (key: string) => Promise<ObjectOptions>;
  /** Key for `sse-kms`. Left out: the store has one by itself. */
  readonly kmsKeyId?: string;
  /** Lets time go by. Default: really waits. */
  readonly passSeconds?: (seconds: number) => Promise<void>;
  /** Removes the bucket and lets go of connections. */
  close(): Promise<void>;
}

/** What the store answered to a PUT. */
export interface SendAnswer {
  readonly status: number;
  readonly etag?: string;
  /** Code of the S3 error body. */
  readonly s3Code?: string;
}

/** Makes a bucket, with versioning if asked. Rejects when the store has no versioning. */
export type SetUpObjectStore = (options: { readonly versioned: boolean }) => Promise<ObjectStoreHarness>;

/** Smallest part that is not the last. */
export const FIVE_MIB: number = 5 * 1024 ** 2;

/** Life of grants that are meant to be used. */
export const GRANT_SECONDS = 300;

/** A new object nobody has thought of before. */
export function newObject(overrides: Partial<NewObject> = {}): NewObject {
  return {
    key: `contract/${randomUUID()}`,
    contentType: 'application/x-longhaul',
    metadata: {},
    ...overrides,
  };
}

/** Bytes that differ by seed, so that parts in the wrong place are seen. */
export function bytesOf(sizeBytes: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index += 1) bytes[index] = (index * 31 + seed * 17) & 0xff;
  return bytes;
}

/** Begins an upload. */
export async function begin(
  objectStore: ObjectStore,
  input: Partial<NewObject> & { readonly checksumAlgorithm?: FullObjectAlgorithm } = {},
): Promise<MultipartRef> {
  const object = {
    ...newObject(input),
    ...(input.checksumAlgorithm && { checksumAlgorithm: input.checksumAlgorithm }),
  };
  const { s3UploadId } = await objectStore.createMultipartUpload(object);
  return { key: object.key, s3UploadId };
}

/** Signs and sends one part that the store has to take. */
export async function putPart(
  { objectStore, send }: Pick<ObjectStoreHarness, 'objectStore' | 'send'>,
  ref: MultipartRef,
  part: { readonly partNumber: number; readonly body: Uint8Array; readonly checksum?: Checksum },
): Promise<StoredPart> {
  const { body, ...rest } = part;
  const grant = await objectStore.signPart({
    ...ref,
    ...rest,
    sizeBytes: body.byteLength,
    expiresInSeconds: GRANT_SECONDS,
  });
  const answer = await send(grant, body);
  expect(answer).toMatchObject({ status: 200, etag: expect.stringMatching(/^".+"$/) });
  return { ...rest, sizeBytes: body.byteLength, etag: answer.etag ?? '' };
}

/** Signs and sends parts 1 to n. */
export async function putParts(
  harness: Pick<ObjectStoreHarness, 'objectStore' | 'send'>,
  ref: MultipartRef,
  bodies: readonly Uint8Array[],
): Promise<StoredPart[]> {
  const parts: StoredPart[] = [];
  for (const [index, body] of bodies.entries()) {
    parts.push(await putPart(harness, ref, { partNumber: index + 1, body }));
  }
  return parts;
}

/** Parts as a listing tells of them: with the time at which each was stored. */
export function listed(parts: readonly StoredPart[]): readonly StoredPart[] {
  return parts.map((part) => ({ ...part, lastModifiedEpochMs: expect.any(Number) as number }));
}

/** Sends Complete for these parts. */
export async function complete(
  objectStore: ObjectStore,
  ref: MultipartRef,
  parts: readonly StoredPart[],
  overrides: { readonly sizeBytes?: number; readonly checksum?: Checksum } = {},
): Promise<CompleteOutcome> {
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  return objectStore.completeMultipartUpload({ ...ref, parts, sizeBytes, ...overrides });
}

/** Asserts that a Complete went through, by the outcome where the store tells one and by HEAD everywhere. */
export async function expectStored(
  objectStore: ObjectStore,
  key: string,
  outcome: CompleteOutcome,
): Promise<StoredObject> {
  const object = await objectStore.headObject({ key });
  if (object === undefined) throw new Error(`nothing stands at the key after ${JSON.stringify(outcome)}`);
  if (objectStore.profile.completeReturnsEtag) {
    expect(outcome).toMatchObject({ kind: 'stored', etag: object.etag });
  } else {
    expect(outcome.kind).toBe('unknown');
  }
  return object;
}

/** Waits, by the harness's own clock if it has one. */
export async function passSeconds(harness: ObjectStoreHarness, seconds: number): Promise<void> {
  await (harness.passSeconds ?? ((value) => sleep(value * 1000)))(seconds);
}

/** Whether two runs of bytes are equal; quicker and quieter than a deep comparison of megabytes. */
export function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
