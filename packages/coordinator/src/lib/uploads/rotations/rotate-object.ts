import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type Encryption,
  MAX_PART_SIZE_BYTES,
  type ObjectEncryption,
  objectEncryptionOf,
  planParts,
  type RotateRequest,
  type RotationStatus,
} from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { RotationDraft, RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { decideEncryption } from '../encryption-policy.ts';
import { resultOf } from '../upload-answers.ts';
import { wholeOf } from '../whole-record.ts';
import { baseKeyOf } from './base-key.ts';
import { driveRotation } from './drive-rotation.ts';
import { areEnough, findRotationKeys, keepRotationKeys, keysIn, type RotationKeys } from './rotation-keys.ts';

/** Parts of a copy: large, because the store does not send them anywhere, and no larger than it takes in one go. */
const COPY_PART_BYTES = 256 * 1024 ** 2;

/** Times that an object may move on to another key while a rotation of it is begun. */
const MAX_MOVES = 5;

/**
 * Gives a complete object another encryption, as its owner wishes. Waits a while for the end; then the work goes on by itself.
 *
 * @throws CoordinatorError `upload-not-found`, `upload-incomplete`, `rotation-open`, `rotation-failed`,
 * `rotation-unsupported`, `customer-key-needed`, `customer-key-mismatch`, and what {@link decideEncryption} throws
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
  if (isOpen(rotation)) await goOn(context, rotation, owner, keys);
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

/** What a rotation would do. */
export interface RotationOutlook {
  readonly key: string;
  readonly sizeBytes: number;
  /** How the object is encrypted now; left out: as the bucket does it by itself. */
  readonly from?: ObjectEncryption;
  readonly to: ObjectEncryption;
  /** The object has the very encryption that is asked for, and the very key. */
  readonly hasItAlready: boolean;
}

/** What {@link rotateObject} would do. Changes nothing, and throws what that would refuse at once. */
export async function foreseeRotation(
  context: UploadContext,
  owner: string,
  uploadId: string,
  request: RotateRequest,
): Promise<RotationOutlook> {
  const record = await findOwned(context, owner, uploadId);
  const { s3Key: key, encryption } = record;
  const wished = wishedEncryption(context, record, request);
  const hasItAlready = isDeepStrictEqual(encryption, wished);
  if (!hasItAlready) assertPossible(context, record, request, wished);
  return {
    key,
    sizeBytes: wholeOf(record).plan.sizeBytes,
    ...(encryption && { from: objectEncryptionOf(encryption) }),
    to: objectEncryptionOf(wished),
    hasItAlready,
  };
}

/** Another's upload is none: an answer that differs would tell who has what. */
async function findOwned(context: UploadContext, owner: string, uploadId: string): Promise<UploadRecord> {
  const record = await context.catalog.find(uploadId);
  if (record?.bucket === context.objectStore.bucket && record.owner === owner) return record;
  throw new CoordinatorError('upload-not-found', `There is no upload ${uploadId} of yours.`, { uploadId });
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
    if (outcome.kind !== 'moved')
      return { rotation: outcome.rotation, keys: keysOf(outcome.rotation, request) };
    record = (await context.catalog.find(record.uploadId)) ?? record;
  }
  throw openError(node.uploadId);
}

/** The encryption that the object shall have, if all that it takes is there. */
function decideTarget(context: UploadContext, record: UploadRecord, request: RotateRequest): Encryption {
  const encryption = wishedEncryption(context, record, request);
  assertPossible(context, record, request, encryption);
  return encryption;
}

/** As the policy and the store have it. */
function wishedEncryption(
  context: UploadContext,
  { state, uploadId }: UploadRecord,
  request: RotateRequest,
): Encryption {
  const { objectStore, settings } = context;
  if (state !== 'COMPLETED') {
    throw new CoordinatorError(
      'upload-incomplete',
      `Upload ${uploadId} is ${state}, so there is no object. Complete it first.`,
      { uploadId },
    );
  }
  const encryption = decideEncryption(settings.encryption, objectStore, wishOf(context, request), true);
  if (!encryption) throw new TypeError('a wish for encryption was decided to be none');
  return encryption;
}

function assertPossible(
  { objectStore }: UploadContext,
  record: UploadRecord,
  request: RotateRequest,
  encryption: Encryption,
): void {
  const { uploadId } = record;
  if (record.encryption?.mode === 'sse-c' && !objectStore.profile.ssecCopy) {
    throw new CoordinatorError(
      'rotation-unsupported',
      `The store (${objectStore.profile.name}) copies no object with sse-c. Download it with its key, and upload it anew.`,
      { uploadId },
    );
  }
  const encryptions = encryptionsOf(record, encryption);
  if (!areEnough(keysIn(request, encryptions, uploadId), encryptions)) throw keysNeeded(uploadId);
}

/** A store that does without the key for an upload takes it for a copy all the same: the coordinator makes that itself. */
function wishOf({ objectStore }: UploadContext, { encryption }: RotateRequest): RotateRequest['encryption'] {
  if (encryption.mode !== 'sse-c' || !objectStore.profile.ssecBlind) return encryption;
  return { mode: encryption.mode, customerKeyMd5: encryption.customerKeyMd5 };
}

function encryptionsOf(
  { encryption: sourceEncryption }: UploadRecord,
  encryption: Encryption,
): Pick<RotationRecord, 'encryption' | 'sourceEncryption'> {
  return { encryption, ...(sourceEncryption && { sourceEncryption }) };
}

function draftOf(
  { objectStore }: UploadContext,
  record: UploadRecord,
  { rotationId, deleteVersions = false }: RotateRequest,
  encryption: Encryption,
): RotationDraft {
  const { uploadId, s3Key } = record;
  const { sizeBytes } = wholeOf(record).plan;
  const { maxCopySizeBytes = MAX_PART_SIZE_BYTES } = objectStore.profile;
  const isWhole = sizeBytes <= maxCopySizeBytes;
  return {
    uploadId,
    rotationId,
    bucket: objectStore.bucket,
    baseKey: baseKeyOf(record),
    sourceKey: s3Key,
    writeToken: randomBytes(16).toString('hex'),
    encryption,
    plan: isWhole
      ? { sizeBytes, partSizeBytes: Math.max(1, sizeBytes), partCount: 1 }
      : planParts(sizeBytes, Math.min(COPY_PART_BYTES, maxCopySizeBytes)),
    deleteVersions,
  };
}

function keysOf(rotation: RotationRecord, request: RotateRequest): RotationKeys {
  assertSameTarget(rotation, request);
  return isOpen(rotation) ? keysIn(request, rotation, rotation.uploadId) : {};
}

/** A rotation under way may be joined by whoever wants the same. */
function assertSameTarget({ uploadId, encryption }: RotationRecord, request: RotateRequest): void {
  const asked = request.encryption;
  const isSame =
    encryption.mode === asked.mode &&
    (encryption.mode !== 'sse-c' ||
      (asked.mode === 'sse-c' && encryption.customerKeyMd5 === asked.customerKeyMd5)) &&
    (encryption.mode !== 'sse-kms' ||
      (asked.mode === 'sse-kms' && (asked.kmsKeyId === undefined || asked.kmsKeyId === encryption.kmsKeyId)));
  if (!isSame) throw openError(uploadId);
}

async function goOn(
  context: UploadContext,
  rotation: RotationRecord,
  owner: string,
  given: RotationKeys,
): Promise<void> {
  const { clock, settings } = context;
  const keys = await findRotationKeys(context, rotation, owner, given);
  if (rotation.state !== 'SWITCHED' && !areEnough(keys, rotation)) throw keysNeeded(rotation.uploadId);
  await keepRotationKeys(context, rotation, owner, given);
  const waited = new AbortController();
  const late = clock.sleep(settings.completeAnswerWithinMs, waited.signal).catch(() => undefined);
  await Promise.race([driveRotation(context, rotation, keys), late]);
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
    ...(isCurrent && { result: resultOf(context, node) }),
    ...(isOpen(rotation) && { retryAfterSeconds: 2 }),
    ...(lastError !== undefined && { lastError }),
  };
}

function isOpen({ state }: RotationRecord): boolean {
  return state === 'PENDING' || state === 'COPYING' || state === 'SWITCHED';
}

function keysNeeded(uploadId: string): CoordinatorError {
  return new CoordinatorError(
    'customer-key-needed',
    `The copy takes keys that are not here. Send oldCustomerKey where the object of upload ${uploadId} has one, and customerKey where it shall have one.`,
    { uploadId },
  );
}

function openError(uploadId: string): CoordinatorError {
  return new CoordinatorError(
    'rotation-open',
    `The object of upload ${uploadId} is being given another encryption, or was under this rotationId. Wait for the end, then rotate under a new one.`,
    { uploadId, retryAfterSeconds: 2 },
  );
}
