import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadContext } from '../context.ts';
import { isCopiedByClient, isUncopied } from './client-copy.ts';
import { quietMs } from './join-streamed.ts';
import { areEnough, findRotationKeys, forgetRotationKeys } from './rotation-keys.ts';
import { ROTATION_LEASE_MS } from './rotation-lease.ts';

/** A client that has streamed no part for so long has gone away, most likely. */
const CLIENT_QUIET_MS = 600_000;

/**
 * Ends a rotation that stands still, because its owner wants another: with its new key lost nobody could go on with it, and its
 * object would keep the encryption that it has for ever. Only one that nobody drives is taken; its epoch refuses whatever its
 * last driver still writes.
 *
 * @returns whether it is out of the way
 */
export async function giveUp(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
): Promise<boolean> {
  const { rotations } = context.catalog;
  if (!(await standsStill(context, rotation, owner))) return false;
  const driven = await rotations.take(rotation, ROTATION_LEASE_MS);
  if (!driven) return false;
  if (!isUncopied(driven)) {
    // Another was faster: what is left to do of it waits for the sweeper.
    await rotations.postpone(driven, { delayMs: 0 });
    return driven.state !== 'SWITCHED';
  }
  const { attemptOverAfterMs: quietForMs } = context.settings;
  const failed = await rotations.fail(driven, { lastError: 'it was given up for another', quietForMs });
  if (failed) await forgetRotationKeys(context, failed, owner);
  return failed !== undefined;
}

/** Whether nothing goes on with it but a request of its owner that brings what is missing. */
async function standsStill(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
): Promise<boolean> {
  const { s3Key: key, s3UploadId } = rotation;
  // A new one may not have been taken yet.
  if (!isUncopied(rotation) || quietMs(context, rotation) < ROTATION_LEASE_MS) return false;
  if (!isCopiedByClient(context.objectStore.profile, rotation)) {
    const kept = await findRotationKeys(context, rotation, owner, {});
    return !areEnough(context, kept, rotation);
  }
  if (rotation.completeSent) return false;
  const parts = s3UploadId === undefined ? [] : await context.objectStore.listParts({ key, s3UploadId });
  return quietMs(context, rotation, parts) >= CLIENT_QUIET_MS;
}
