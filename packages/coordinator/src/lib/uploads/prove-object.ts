import type { Checksum, ProofLevel } from '@longhaul/protocol';
import type { UploadRecord } from '../ports/upload-record.ts';
import { ObjectStoreError, type StoredObject } from '../ports/object-store.ts';
import type { UploadContext } from './context.ts';
import { findCustomerKey } from './customer-key.ts';
import { WRITE_TOKEN_NAME } from './object-metadata.ts';
import { checksumBy, etagOfMd5 } from './upload-checksum.ts';

/** What the store says of an upload's key, to a HEAD or in a listing. Only `ours` proves that the upload is stored. */
export type Proof =
  | { readonly kind: 'ours'; readonly object: StoredObject; readonly level: ProofLevel }
  /** The write token is right and the size is wrong: the store built another object than the one asked for. */
  | { readonly kind: 'wrong-size'; readonly object: StoredObject }
  /** The same with the checksum of the whole. */
  | { readonly kind: 'wrong-checksum'; readonly object: StoredObject }
  /** The same with encryption that was asked for, and that the store does not show. */
  | { readonly kind: 'wrong-encryption'; readonly object: StoredObject }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'absent' }
  /** Looking itself failed: nothing is known. */
  | { readonly kind: 'unknown'; readonly error: ObjectStoreError };

/**
 * Looks whether the object of an upload stands at its key. "An object exists" is no proof: the write token, which only
 * this upload's metadata holds, and the size have to agree; and the checksum of the whole, where the client has told it
 * and the store keeps one.
 *
 * Some stores drop the metadata of a multipart upload. At a key that is nobody else's, an object without any token is
 * ours all the same when its ETag is the one that our own list of parts makes.
 *
 * HEAD shows an object under a key of the client's only to those who have that key. A listing shows it to all, without its
 * metadata: there the object key, which holds the random id of this upload, stands for the write token.
 */
export async function proveObject(
  context: UploadContext,
  record: UploadRecord,
  versionId?: string,
): Promise<Proof> {
  let object: StoredObject | undefined;
  try {
    const ref = { key: record.s3Key, ...(versionId !== undefined && { versionId }) };
    object = await look(context, record, ref);
  } catch (error) {
    if (error instanceof ObjectStoreError) return { kind: 'unknown', error };
    throw error;
  }
  return judgeObject(object, record);
}

/** What a HEAD proves of what stands at a key. */
export function judgeObject(
  object: StoredObject | undefined,
  record: Pick<UploadRecord, 'plan' | 'encryption' | 'checksum' | 'writeToken' | 'partsDigest'>,
): Proof {
  if (!object) return { kind: 'absent' };
  if (!isOurs(object, record)) return { kind: 'foreign' };
  if (object.sizeBytes !== record.plan.sizeBytes) return { kind: 'wrong-size', object };
  if (record.encryption && object.encryption !== record.encryption.mode)
    return { kind: 'wrong-encryption', object };
  return compareChecksum(object, record.checksum);
}

/** By HEAD, or by a listing where the key for HEAD is not to be had. */
async function look(
  context: UploadContext,
  record: UploadRecord,
  ref: { readonly key: string; readonly versionId?: string },
): Promise<StoredObject | undefined> {
  const key = await findCustomerKey(context, record, 'prove');
  return record.encryption?.mode === 'sse-c' && !key.customerKey
    ? await listAsStored(context, record, ref)
    : await context.objectStore.headObject({ ...ref, ...key });
}

/** What a listing shows of an upload under a key of its client's, in the place of what HEAD would. */
async function listAsStored(
  context: UploadContext,
  { mode, writeToken, plan }: UploadRecord,
  ref: { readonly key: string; readonly versionId?: string },
): Promise<StoredObject | undefined> {
  const shown = await listKeyed(context, ref);
  const partCount = mode === 'multipart' && plan.sizeBytes !== null ? plan.partCount : undefined;
  return shown && namedByKey(shown, writeToken, partCount);
}

/** What a listing shows of an object whose key is not to be had, without its metadata. */
export async function listKeyed(
  { objectStore }: UploadContext,
  ref: { readonly key: string; readonly versionId?: string },
): Promise<StoredObject | undefined> {
  const listed = await objectStore.findListed(ref);
  // Where the key was not used the store has refused the request: its MD5 is signed into every URL.
  return listed && { ...listed, encryption: 'sse-c', metadata: {} };
}

/**
 * An object without a write token at a key that nobody else writes to: the key stands for the token, if the ETag is one of as many
 * parts as there shall be.
 *
 * @param partCount left out: of any form
 */
export function namedByKey(object: StoredObject, writeToken: string, partCount?: number): StoredObject {
  const { metadata, etag } = object;
  const isOfForm = partCount === undefined || etag.endsWith(`-${partCount}"`);
  if (metadata[WRITE_TOKEN_NAME] !== undefined || !isOfForm) return object;
  return { ...object, metadata: { ...metadata, [WRITE_TOKEN_NAME]: writeToken } };
}

/** A store that keeps no checksum may still have made the ETag of the MD5, or MD5s; one that has not says nothing by that. */
function compareChecksum(object: StoredObject, expected: Checksum | undefined): Proof {
  const isMd5 = expected?.algorithm === 'MD5' && object.etag === etagOfMd5(expected);
  const kept = checksumBy(expected?.algorithm, object.checksum);
  if (kept && kept.value !== expected?.value) return { kind: 'wrong-checksum', object };
  return { kind: 'ours', object, level: kept || isMd5 ? 'checksum' : 'size' };
}

function isOurs(
  { metadata, etag }: StoredObject,
  { writeToken, partsDigest }: Pick<UploadRecord, 'writeToken' | 'partsDigest'>,
): boolean {
  const token = metadata[WRITE_TOKEN_NAME];
  return token === undefined ? etag !== '' && etag === partsDigest : token === writeToken;
}
