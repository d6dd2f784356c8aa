import type { RotationCopyRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { StoredPart } from '../../ports/object-store.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { isBlind } from '../customer-key.ts';
import { CLIENT_DELAY_MS, copyClosed, isUncopied } from './client-copy.ts';
import { newCopyOf } from './copy-object.ts';
import { ROTATION_LEASE_MS } from './rotation-lease.ts';

/** A copy that takes parts. */
export interface Streaming {
  readonly rotation: RotationRecord;
  readonly s3UploadId: string;
  /** What it has already; left out where nobody has looked. */
  readonly parts?: readonly StoredPart[];
}

/** Somebody else looks at the rotation for a moment only: it is not theirs to copy. */
const TAKES = 20;
const TAKE_AGAIN_AFTER_MS = 250;

/**
 * The multipart upload of a copy that a client streams. Under a key of the client's the client has begun it, and the store has to
 * list it under the copy's object key, which nobody else can write to. The first that is saved is that of the rotation; others
 * are ended with it.
 *
 * @returns `undefined` while the client has to begin it
 * @throws CoordinatorError `opening-unknown`, `rotation-copy-closed`, `rotation-open`; ObjectStoreError
 */
export async function openStreamed(
  context: UploadContext,
  { rotation, record }: { readonly rotation: RotationRecord; readonly record: UploadRecord },
  { s3UploadId: told, sign = [] }: RotationCopyRequest,
): Promise<Streaming | undefined> {
  const { objectStore } = context;
  const { s3Key: key, s3UploadId, uploadId } = rotation;
  if (s3UploadId !== undefined) {
    // Whoever streams has asked before what is there. An upload that is gone by now refuses the part.
    if (sign.length > 0) return { rotation, s3UploadId };
    const parts = await objectStore.listParts({ key, s3UploadId });
    if (parts) return { rotation, s3UploadId, parts };
    // A driver may have completed it: a second copy would take the place of the first.
    if (await objectStore.findListed({ key })) throw copyClosed(uploadId);
  }
  if (!isBlind(context, rotation)) {
    const created = await objectStore.createMultipartUpload(
      newCopyOf(context, { rotation, record, keys: {} }),
    );
    let opened: Streaming | undefined;
    try {
      return (opened = await save(context, rotation, created.s3UploadId));
    } finally {
      // Nobody else knows of it, so nobody completes it.
      if (opened?.s3UploadId !== created.s3UploadId)
        await objectStore.abortMultipartUpload({ key, ...created });
    }
  }
  if (told === undefined) return undefined;
  const listed = await objectStore.listMultipartUploads({ prefix: key });
  if (!listed.some((upload) => upload.key === key && upload.s3UploadId === told)) {
    const detail = `The store lists no such upload under the new key of upload ${uploadId}. Send the openingCall again.`;
    throw new CoordinatorError('opening-unknown', detail, { uploadId });
  }
  return await save(context, rotation, told);
}

/** Writes down which upload takes the parts, unless somebody was faster. */
async function save(context: UploadContext, known: RotationRecord, s3UploadId: string): Promise<Streaming> {
  const { catalog, clock } = context;
  for (let take = 0; take < TAKES; take++) {
    const driven = await catalog.rotations.take(known, ROTATION_LEASE_MS);
    if (!driven) {
      await clock.sleep(TAKE_AGAIN_AFTER_MS);
      continue;
    }
    const isTaken = driven.s3UploadId !== known.s3UploadId;
    const saved =
      isTaken || !isUncopied(driven) ? driven : await catalog.rotations.saveCopy(driven, s3UploadId);
    await catalog.rotations.postpone(driven, { delayMs: CLIENT_DELAY_MS });
    if (!saved || !isUncopied(saved) || saved.s3UploadId === undefined) throw copyClosed(known.uploadId);
    return { rotation: saved, s3UploadId: saved.s3UploadId, ...(!isTaken && { parts: [] }) };
  }
  throw new CoordinatorError(
    'rotation-open',
    `Somebody else works on the rotation of upload ${known.uploadId}. Ask again in a moment.`,
    { uploadId: known.uploadId, retryAfterSeconds: 2 },
  );
}
