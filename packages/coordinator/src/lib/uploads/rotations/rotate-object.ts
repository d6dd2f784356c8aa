import { randomBytes } from 'node:crypto';
import {
  type Encryption,
  MAX_PART_SIZE_BYTES,
  objectEncryptionOf,
  type PartPlan,
  planParts,
  type RotateRequest,
  type RotationStatus,
} from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { RotationDraft, RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { resultOf } from '../upload-answers.ts';
import { wholeOf } from '../whole-record.ts';
import { baseKeyOf } from './base-key.ts';
import { isCopiedByClient, isUncopied, planClientCopy } from './client-copy.ts';
import { type Brought, driveRotation } from './drive-rotation.ts';
import { findOwned } from './find-owned.ts';
import { giveUp } from './give-up.ts';
import { areEnough, findRotationKeys, keepRotationKeys, keysIn, type RotationKeys } from './rotation-keys.ts';
import { assertOldKey, decideTarget, encryptionsOf, keysNeeded } from './rotation-wish.ts';

/** Parts of a copy: large, because the store does not send them anywhere, and no larger than it takes in one go. */
const COPY_PART_BYTES = 256 * 1024 ** 2;

/** Times that an object may move on to another key, or another rotation make room, while one is begun. */
const MAX_MOVES = 5;

/**
 * Gives a complete object another encryption, as its owner wishes. Waits a while for the end; then the work goes on by itself.
 *
 * @throws CoordinatorError `upload-not-found`, `upload-incomplete`, `rotation-open`, `rotation-failed`,
 * `rotation-unsupported`, `customer-key-needed`, `customer-key-mismatch`, and what the encryption policy refuses
 */
export async function rotateObject(
  context: UploadContext,
  owner: string,
  uploadId: string,
  request: RotateRequest,
): Promise<RotationStatus> {
  const record = await findOwned(context, owner, uploadId);
  const { rotations } = context.catalog;
  const known =
    (await rotations.find(uploadId, request.rotationId)) ?? (await findWished(context, record, request));
  const { rotation, keys } = known
    ? { rotation: known, keys: keysOf(known, request) }
    : await begin(context, record, request);
  const { copied } = request;
  if (isOpen(rotation)) await goOn(context, rotation, owner, { keys, ...(copied && { copied }) });
  const status = await statusOf(context, rotation);
  if (status.state !== 'FAILED') return status;
  throw new CoordinatorError(
    'rotation-failed',
    `The object of upload ${uploadId} stays as it was: ${status.lastError ?? 'the copy failed'}. Mend that, and rotate under a new rotationId.`,
    { uploadId },
  );
}

/**
 * The newest rotation of an owner's object.
 *
 * @throws CoordinatorError `upload-not-found`, `rotation-not-found`
 */
export async function getRotation(
  context: UploadContext,
  owner: string,
  uploadId: string,
): Promise<RotationStatus> {
  await findOwned(context, owner, uploadId);
  const rotation = await context.catalog.rotations.find(uploadId);
  if (rotation) return await statusOf(context, rotation);
  throw new CoordinatorError('rotation-not-found', `The object of upload ${uploadId} was never rotated.`, {
    uploadId,
  });
}

/**
 * The rotation by which the object got the very key that is asked for: whoever was cut off before the end, and asks again
 * under another id, is told of that end.
 */
async function findWished(
  { catalog }: UploadContext,
  { uploadId, encryption, generation }: UploadRecord,
  request: RotateRequest,
): Promise<RotationRecord | undefined> {
  const isWished =
    encryption?.mode === 'sse-c' &&
    request.encryption.mode === 'sse-c' &&
    encryption.customerKeyMd5 === request.encryption.customerKeyMd5;
  const newest = isWished ? await catalog.rotations.find(uploadId) : undefined;
  return newest?.generation === generation ? newest : undefined;
}

interface Begun {
  readonly rotation: RotationRecord;
  readonly keys: RotationKeys;
}

async function begin(context: UploadContext, node: UploadRecord, request: RotateRequest): Promise<Begun> {
  let record = node;
  for (let move = 0; move < MAX_MOVES; move++) {
    const encryption = decideTarget(context, record, request);
    const keys = keysIn(request, encryptionsOf(record, encryption), record.uploadId);
    const outcome = await context.catalog.rotations.insert(draftOf(context, record, request, encryption));
    if (outcome.kind === 'inserted') return { rotation: outcome.rotation, keys };
    if (outcome.kind === 'open' && !isSameTarget(outcome.rotation, request)) {
      if (await giveUp(context, outcome.rotation, record.owner)) continue;
      throw openError(record.uploadId);
    }
    if (outcome.kind !== 'moved')
      return { rotation: outcome.rotation, keys: keysOf(outcome.rotation, request) };
    record = (await context.catalog.find(record.uploadId)) ?? record;
  }
  throw openError(node.uploadId);
}

function draftOf(
  context: UploadContext,
  record: UploadRecord,
  { rotationId, deleteVersions = false }: RotateRequest,
  encryption: Encryption,
): RotationDraft {
  const { uploadId, s3Key } = record;
  return {
    uploadId,
    rotationId,
    bucket: context.objectStore.bucket,
    baseKey: baseKeyOf(record),
    sourceKey: s3Key,
    writeToken: randomBytes(16).toString('hex'),
    encryption,
    plan: planCopy(context, record, encryption),
    deleteVersions,
  };
}

function planCopy(context: UploadContext, record: UploadRecord, encryption: Encryption): PartPlan {
  const { plan } = wholeOf(record);
  if (isCopiedByClient(context.objectStore.profile, encryptionsOf(record, encryption)))
    return planClientCopy(plan);
  const { sizeBytes } = plan;
  const { maxCopySizeBytes = MAX_PART_SIZE_BYTES } = context.objectStore.profile;
  return sizeBytes <= maxCopySizeBytes
    ? { sizeBytes, partSizeBytes: Math.max(1, sizeBytes), partCount: 1 }
    : planParts(sizeBytes, Math.min(COPY_PART_BYTES, maxCopySizeBytes));
}

function keysOf(rotation: RotationRecord, request: RotateRequest): RotationKeys {
  if (!isSameTarget(rotation, request)) throw openError(rotation.uploadId);
  assertOldKey(rotation.uploadId, rotation, request);
  return isOpen(rotation) ? keysIn(request, rotation, rotation.uploadId) : {};
}

/** A rotation under way may be joined by whoever wants the same. */
function isSameTarget({ encryption }: RotationRecord, { encryption: asked }: RotateRequest): boolean {
  return (
    encryption.mode === asked.mode &&
    (encryption.mode !== 'sse-c' ||
      (asked.mode === 'sse-c' && encryption.customerKeyMd5 === asked.customerKeyMd5)) &&
    (encryption.mode !== 'sse-kms' ||
      (asked.mode === 'sse-kms' && (asked.kmsKeyId === undefined || asked.kmsKeyId === encryption.kmsKeyId)))
  );
}

async function goOn(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
  { keys: given, ...brought }: Brought & Pick<Begun, 'keys'>,
): Promise<void> {
  const { clock, settings } = context;
  const keys = await findRotationKeys(context, rotation, owner, given);
  if (rotation.state !== 'SWITCHED' && !areEnough(context, keys, rotation))
    throw keysNeeded(rotation.uploadId);
  await keepRotationKeys(context, rotation, owner, given);
  const waited = new AbortController();
  const late = clock.sleep(settings.completeAnswerWithinMs, waited.signal).catch(() => undefined);
  await Promise.race([driveRotation(context, rotation, { ...brought, keys }), late]);
  waited.abort();
}

async function statusOf(
  context: UploadContext,
  { uploadId, rotationId }: RotationRecord,
): Promise<RotationStatus> {
  const [rotation, node] = await Promise.all([
    context.catalog.rotations.find(uploadId, rotationId),
    context.catalog.find(uploadId),
  ]);
  if (!rotation || !node) throw new TypeError(`rotation ${rotationId} of ${uploadId} is gone`);
  const { state, generation, lastError, plan, copiedPartCount } = rotation;
  const isCurrent = (state === 'SWITCHED' || state === 'DONE') && node.generation === generation;
  return {
    rotationId,
    nodeId: uploadId,
    state,
    encryption: objectEncryptionOf(rotation.encryption),
    generation,
    sizeBytes: plan.sizeBytes,
    partCount: plan.partCount,
    copiedPartCount,
    copiedBytes: Math.min(plan.sizeBytes, copiedPartCount * plan.partSizeBytes),
    createdAtEpochMs: rotation.createdAtEpochMs,
    ...(isUncopied(rotation) &&
      isCopiedByClient(context.objectStore.profile, rotation) && { copyByClient: true }),
    ...(isCurrent && { result: resultOf(context, node) }),
    ...(isOpen(rotation) && { retryAfterSeconds: 2 }),
    ...(lastError !== undefined && { lastError }),
  };
}

function isOpen({ state }: RotationRecord): boolean {
  return state === 'PENDING' || state === 'COPYING' || state === 'SWITCHED';
}

function openError(uploadId: string): CoordinatorError {
  return new CoordinatorError(
    'rotation-open',
    `The object of upload ${uploadId} is being given another encryption, or was under this rotationId. Wait for the end, then rotate under a new one; what stands still for want of a key is replaced some minutes after its last step.`,
    { uploadId, retryAfterSeconds: 2 },
  );
}
