import { fitsPlan } from '@longhaul/protocol';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadContext } from '../context.ts';
import { type Copying, joinParts } from './copy-object.ts';

/**
 * Makes an object of the parts that a client has streamed, once it has said that they are what was uploaded: parts that are all
 * there may still have to be compared.
 *
 * @returns `joined`: whether there is an object only a look tells; `waits`: for its client; `left`: that was gone for too long
 * @throws ObjectStoreError; of kind `refused` only where a repetition would be refused as well
 */
export async function joinStreamed(
  context: UploadContext,
  copying: Copying,
  isCompared: boolean,
): Promise<'joined' | 'waits' | 'left'> {
  const { rotation } = copying;
  const { s3Key: key, s3UploadId, plan, completeSent } = rotation;
  const ref = s3UploadId === undefined ? undefined : { key, s3UploadId };
  const listed = ref && (await context.objectStore.listParts(ref));
  const parts = (listed ?? []).filter((part) => fitsPlan(plan, part));
  if (ref && (isCompared || completeSent) && parts.length === plan.partCount) {
    await joinParts(context, copying, { ...ref, parts });
    return 'joined';
  }
  // After Complete was sent an abort could meet it.
  return !completeSent && quietMs(context, rotation, parts) > context.settings.idleLimitMs ? 'left' : 'waits';
}

/** For how long no part has come. */
export function quietMs(
  { clock }: UploadContext,
  { createdAtEpochMs }: RotationRecord,
  parts: readonly { readonly lastModifiedEpochMs?: number }[] = [],
): number {
  let lastEpochMs = createdAtEpochMs;
  for (const { lastModifiedEpochMs = 0 } of parts) lastEpochMs = Math.max(lastEpochMs, lastModifiedEpochMs);
  return clock.nowEpochMs() - lastEpochMs;
}
