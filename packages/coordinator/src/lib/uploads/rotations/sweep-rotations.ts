import type { UploadContext } from '../context.ts';
import { driveRotation } from './drive-rotation.ts';

/** Rotations that one sweep drives: each keeps the store busy for a while. */
const AT_ONCE = 8;

/** Drives rotations on that nobody drives. One that takes longer than `patienceMs` goes on by itself. */
export async function sweepRotations(
  context: UploadContext,
  { patienceMs, signal }: { readonly patienceMs?: number; readonly signal?: AbortSignal },
): Promise<void> {
  if (signal?.aborted) return;
  const { objectStore, catalog, clock } = context;
  const due = await catalog.rotations.findDue({ bucket: objectStore.bucket, limit: AT_ONCE });
  const driven = Promise.all(due.map((rotation) => driveRotation(context, rotation)));
  if (patienceMs === undefined || due.length === 0) return void (await driven);
  const waited = new AbortController();
  await Promise.race([driven, clock.sleep(patienceMs, waited.signal).catch(() => undefined)]);
  waited.abort();
}
