import type { UploadRecord } from '../ports/upload-record.ts';
import { ObjectStoreError, type StoredObject } from '../ports/object-store.ts';
import type { UploadContext } from './context.ts';
import { WRITE_TOKEN_NAME } from './object-metadata.ts';

/** What a HEAD says of an upload's key. Only `ours` proves that the upload is stored. */
export type Proof =
  | { readonly kind: 'ours'; readonly object: StoredObject }
  /** The write token is right and the size is wrong: the store built another object than the one asked for. */
  | { readonly kind: 'wrong-size'; readonly object: StoredObject }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'absent' }
  /** HEAD itself failed: nothing is known. */
  | { readonly kind: 'unknown'; readonly error: ObjectStoreError };

/**
 * Looks whether the object of an upload stands at its key. "An object exists" is no proof: the write token, which only
 * this upload's metadata holds, and the size have to agree.
 *
 * Some stores drop the metadata of a multipart upload. At a key that is nobody else's, an object without any token is
 * ours all the same when its ETag is the one that our own list of parts makes.
 */
export async function proveObject(
  context: UploadContext,
  record: UploadRecord,
  versionId?: string,
): Promise<Proof> {
  let object: StoredObject | undefined;
  try {
    object = await context.objectStore.headObject({
      key: record.s3Key,
      ...(versionId !== undefined && { versionId }),
    });
  } catch (error) {
    if (error instanceof ObjectStoreError) return { kind: 'unknown', error };
    throw error;
  }
  if (!object) return { kind: 'absent' };
  if (!isOurs(object, record)) return { kind: 'foreign' };
  return { kind: object.sizeBytes === record.plan.sizeBytes ? 'ours' : 'wrong-size', object };
}

function isOurs({ metadata, etag }: StoredObject, { writeToken, partsDigest }: UploadRecord): boolean {
  const token = metadata[WRITE_TOKEN_NAME];
  return token === undefined ? etag !== '' && etag === partsDigest : token === writeToken;
}
