import type { Checksum, ProofLevel } from '@longhaul/protocol';
import type { UploadRecord } from '../ports/upload-record.ts';
import { ObjectStoreError, type StoredObject } from '../ports/object-store.ts';
import type { UploadContext } from './context.ts';
import { WRITE_TOKEN_NAME } from './object-metadata.ts';
import { checksumBy, etagOfMd5 } from './upload-checksum.ts';

/** What a HEAD says of an upload's key. Only `ours` proves that the upload is stored. */
export type Proof =
  | { readonly kind: 'ours'; readonly object: StoredObject; readonly level: ProofLevel }
  /** The write token is right and the size is wrong: the store built another object than the one asked for. */
  | { readonly kind: 'wrong-size'; readonly object: StoredObject }
  /** The same with the checksum of the whole. */
  | { readonly kind: 'wrong-checksum'; readonly object: StoredObject }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'absent' }
  /** HEAD itself failed: nothing is known. */
  | { readonly kind: 'unknown'; readonly error: ObjectStoreError };

/**
 * Looks whether the object of an upload stands at its key. "An object exists" is no proof: the write token, which only
 * this upload's metadata holds, and the size have to agree; and the checksum of the whole, where the client has told it
 * and the store keeps one.
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
  if (object.sizeBytes !== record.plan.sizeBytes) return { kind: 'wrong-size', object };
  return compareChecksum(object, record.checksum);
}

/** A store that keeps no checksum may still have made the ETag of the MD5; one that has not says nothing by that. */
function compareChecksum(object: StoredObject, expected: Checksum | undefined): Proof {
  const isMd5 = expected?.algorithm === 'MD5' && object.etag === etagOfMd5(expected);
  const kept = checksumBy(expected?.algorithm, object.checksum);
  if (kept && kept.value !== expected?.value) return { kind: 'wrong-checksum', object };
  return { kind: 'ours', object, level: kept || isMd5 ? 'checksum' : 'size' };
}

function isOurs({ metadata, etag }: StoredObject, { writeToken, partsDigest }: UploadRecord): boolean {
  const token = metadata[WRITE_TOKEN_NAME];
  return token === undefined ? etag !== '' && etag === partsDigest : token === writeToken;
}
