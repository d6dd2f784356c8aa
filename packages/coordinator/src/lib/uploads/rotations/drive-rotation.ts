import type { RotateRequest } from '@longhaul/protocol';
import { ObjectStoreError } from '../../ports/object-store.ts';
import type { RotationRecord, RotationRef } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { judgeObject, listKeyed, namedByKey, type Proof } from '../prove-object.ts';
import { differ } from '../upload-checksum.ts';
import { CLIENT_DELAY_MS, isCopiedByClient } from './client-copy.ts';
import { copyObject, type Copying } from './copy-object.ts';
import { joinStreamed } from './join-streamed.ts';
import { appearableForMs, cleanUpCopy, removeLateObject, removeOldObject } from './leave-one.ts';
import { areEnough, findRotationKeys, forgetRotationKeys, type RotationKeys } from './rotation-keys.ts';
import { keepLease, ROTATION_LEASE_MS, type RotationLease } from './rotation-lease.ts';

const FIRST_REDRIVE_MS = 1_000;
const LONGEST_REDRIVE_MS = 300_000;
/** Without keys there is nothing to do but to wait for them, and whoever brings them need not wait. */
const KEYLESS_DELAY_MS = 600_000;

/** Why a rotation stands still, as its row and its status tell it. */
const KEYS_NEEDED = 'the keys are not kept any more';

/** What comes with the request of a client. */
export interface Brought extends Pick<RotateRequest, 'copied'> {
  readonly keys?: RotationKeys;
}

/**
 * Drives a rotation as far as it goes now, or joins whoever does so in this process. Every step may be done again by anybody.
 * Never rejects: what went wrong stands in the row, and is told to `onError`.
 */
export function driveRotation(
  context: UploadContext,
  ref: RotationRef,
  brought: Brought = {},
): Promise<void> {
  const known = context.rotations.get(ref.uploadId);
  if (known) return known;
  const driving = takeAndDrive(context, ref, brought)
    .catch(context.onError)
    .finally(() => context.rotations.delete(ref.uploadId));
  context.rotations.set(ref.uploadId, driving);
  return driving;
}

async function takeAndDrive(context: UploadContext, ref: RotationRef, brought: Brought): Promise<void> {
  const rotation = await context.catalog.rotations.take(ref, ROTATION_LEASE_MS);
  if (!rotation) return;
  const lease = keepLease(context, rotation);
  try {
    await driveOn(context, rotation, { ...brought, lease });
  } catch (error) {
    await settleTrouble(context, rotation, error);
  } finally {
    lease.end();
  }
}

type Driving = Brought & { readonly lease: RotationLease };

async function driveOn(context: UploadContext, rotation: RotationRecord, driving: Driving): Promise<void> {
  const { rotations } = context.catalog;
  const record = await context.catalog.find(rotation.uploadId);
  if (!record) return;
  if (rotation.state === 'FAILED' || rotation.state === 'DONE') {
    if (rotation.state === 'FAILED') await cleanUpCopy(context, rotation, record);
    else await removeLateObject(context, rotation, record);
    return await rotations.finishCleanup(rotation);
  }
  const switched =
    rotation.state === 'SWITCHED' ? rotation : await copyAndSwitch(context, { rotation, record, ...driving });
  if (!switched) return;
  const lastError = await removeOldObject(context, switched, record);
  await forgetRotationKeys(context, rotation, record.owner);
  const checkAgainAfterMs = appearableForMs(context, rotation, record);
  await rotations.finish(switched, {
    ...(lastError !== undefined && { lastError }),
    ...(checkAgainAfterMs > 0 && { checkAgainAfterMs }),
  });
}

/** The rotation once the copy is the node's object; `undefined` when it is not, and why stands in the row. */
async function copyAndSwitch(
  context: UploadContext,
  given: Omit<Copying, 'keys'> & Driving,
): Promise<RotationRecord | undefined> {
  const { rotation, record } = given;
  const { rotations } = context.catalog;
  const keys = await findRotationKeys(context, rotation, record.owner, given.keys ?? {});
  if (!areEnough(context, keys, rotation)) {
    await rotations.postpone(rotation, { delayMs: KEYLESS_DELAY_MS, lastError: KEYS_NEEDED });
    return undefined;
  }
  const copying = { ...given, keys };
  let proof = await proveCopy(context, copying);
  if (proof.kind === 'absent') {
    if (isCopiedByClient(context.objectStore.profile, rotation)) {
      if (!(await endStream(context, copying, given.copied))) return undefined;
    } else await copyObject(context, copying);
    if (given.lease.signal.aborted) return undefined;
    proof = await proveCopy(context, copying);
  }
  if (proof.kind === 'ours') {
    const { etag, versionId } = proof.object;
    const proved = { etag, proof: proof.level, ...(versionId !== undefined && { versionId }) };
    return await rotations.switchObject(rotation, proved);
  }
  if (proof.kind === 'absent') {
    await postpone(context, rotation, 'the store does not show the copy yet');
    return undefined;
  }
  await fail(context, rotation, record, `the copy is not the object: ${proof.kind}`);
  return undefined;
}

/** Whether what a client has streamed was sent to be made an object; else why not stands in the row. */
async function endStream(
  context: UploadContext,
  copying: Copying,
  copied: Brought['copied'],
): Promise<boolean> {
  const { rotation, record } = copying;
  if (differ(copied?.checksum, record.checksum)) {
    await fail(context, rotation, record, 'what was streamed is not what was uploaded');
    return false;
  }
  const stream = await joinStreamed(context, copying, copied !== undefined);
  if (stream === 'left') await fail(context, rotation, record, 'its client has left it');
  else if (stream === 'waits')
    await context.catalog.rotations.postpone(rotation, { delayMs: CLIENT_DELAY_MS });
  return stream === 'joined';
}

async function proveCopy(context: UploadContext, { rotation, record, keys }: Copying): Promise<Proof> {
  const { s3Key: key, writeToken, encryption, plan } = rotation;
  const isHidden = encryption.mode === 'sse-c' && !keys.new;
  const object = isHidden
    ? await listKeyed(context, { key })
    : await context.objectStore.headObject({ key, ...(keys.new && { customerKey: keys.new }) });
  const { checksum } = record;
  // Some stores drop the metadata of what is made of parts. A generation is used once, so nobody else writes to its key.
  const copy = object && namedByKey(object, writeToken, plan.partCount);
  return judgeObject(copy, { plan, writeToken, encryption, ...(checksum && { checksum }) });
}

/** Refusals that the next try may not meet: another driver, or the store itself, has gone on in between. */
const PASSING_CODES: ReadonlySet<string> = new Set(['NoSuchUpload', 'OperationAborted', 'RequestTimeout']);

async function settleTrouble(
  context: UploadContext,
  rotation: RotationRecord,
  error: unknown,
): Promise<void> {
  context.onError(error);
  const { kind, s3Code } = error instanceof ObjectStoreError ? error : {};
  const isFinal = kind === 'refused' && !PASSING_CODES.has(s3Code ?? '');
  const record = isFinal ? await context.catalog.find(rotation.uploadId) : undefined;
  const lastError = s3Code === undefined ? 'something is away' : `the store said ${s3Code}`;
  if (record && (await fail(context, rotation, record, lastError))) return;
  await postpone(context, rotation, lastError);
}

async function fail(
  context: UploadContext,
  rotation: RotationRecord,
  { owner }: UploadRecord,
  lastError: string,
): Promise<boolean> {
  const { attemptOverAfterMs: quietForMs } = context.settings;
  const failed = await context.catalog.rotations.fail(rotation, { lastError, quietForMs });
  if (failed) await forgetRotationKeys(context, rotation, owner);
  return failed !== undefined;
}

async function postpone(context: UploadContext, rotation: RotationRecord, lastError: string): Promise<void> {
  const delayMs = Math.min(FIRST_REDRIVE_MS * 2 ** Math.max(0, rotation.epoch - 1), LONGEST_REDRIVE_MS);
  await context.catalog.rotations.postpone(rotation, { delayMs, lastError });
}
