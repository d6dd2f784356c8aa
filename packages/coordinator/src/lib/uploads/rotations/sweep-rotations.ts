import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadContext } from '../context.ts';
import { driveRotation } from './drive-rotation.ts';

/** Rotations that one sweep drives: each keeps the store busy for a while. */
const AT_ONCE = 8;

/** How many were at their end when nobody waited for them any longer, and how many were not. */
export interface SweptRotations {
  readonly rotated: number;
  readonly rotating: number;
}

/** Drives rotations on that nobody drives. One that takes longer than `patienceMs` goes on by itself. */
export async function sweepRotations(
  context: UploadContext,
  { patienceMs, signal }: { readonly patienceMs?: number; readonly signal?: AbortSignal },
): Promise<SweptRotations> {
  if (signal?.aborted) return { rotated: 0, rotating: 0 };
  const { objectStore, catalog, clock, onError } = context;
  const due = await catalog.rotations.findDue({ bucket: objectStore.bucket, limit: AT_ONCE });
  let rotated = 0;
  const drive = async (rotation: RotationRecord): Promise<void> => {
    await driveRotation(context, rotation);
    const { uploadId, rotationId } = rotation;
    const driven = await catalog.rotations.find(uploadId, rotationId).catch(onError);
    if (driven?.state === 'DONE' || driven?.state === 'FAILED') rotated += 1;
  };
  const driven = Promise.all(due.map(drive));
  if (patienceMs === undefined || due.length === 0) await driven;
  else {
    const waited = new AbortController();
    await Promise.race([driven, clock.sleep(patienceMs, waited.signal).catch(() => undefined)]);
    waited.abort();
  }
  return { rotated, rotating: due.length - rotated };
}
