import type { Encryption, RotateRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { decideEncryption } from '../encryption-policy.ts';
import { isCopiedByClient } from './client-copy.ts';
import { areEnough, keysIn, otherOldKey } from './rotation-keys.ts';

/** The encryption that the object shall have, if all that it takes is there. */
export function decideTarget(
  context: UploadContext,
  record: UploadRecord,
  request: RotateRequest,
): Encryption {
  const encryption = wishedEncryption(context, record, request);
  assertPossible(context, record, request, encryption);
  return encryption;
}

/**
 * What is asked for, as the policy and the store have it.
 *
 * @throws CoordinatorError `upload-incomplete`, and what {@link decideEncryption} throws
 */
export function wishedEncryption(
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

/** @throws CoordinatorError `rotation-unsupported`, `customer-key-needed`, `customer-key-mismatch` */
export function assertPossible(
  context: UploadContext,
  record: UploadRecord,
  request: RotateRequest,
  encryption: Encryption,
): void {
  const { uploadId } = record;
  const encryptions = encryptionsOf(record, encryption);
  if (encryptions.sourceEncryption?.mode === 'sse-c' && !context.objectStore.profile.ssecCopy)
    return assertCopiable(context, uploadId, encryptions, request);
  if (!areEnough(context, keysIn(request, encryptions, uploadId), encryptions)) throw keysNeeded(uploadId);
}

/** @throws CoordinatorError `rotation-unsupported`, `customer-key-mismatch` */
function assertCopiable(
  context: UploadContext,
  uploadId: string,
  encryptions: ReturnType<typeof encryptionsOf>,
  request: RotateRequest,
): void {
  if (isCopiedByClient(context.objectStore.profile, encryptions) && request.copyByClient)
    return assertOldKey(uploadId, encryptions, request);
  const { name, ssecBlind } = context.objectStore.profile;
  const nextStep = ssecBlind
    ? 'Whoever has its key can stream it, as the SDK and `longhaul rotate` do: ask with copyByClient'
    : 'Download it with its key, and upload it anew';
  throw new CoordinatorError(
    'rotation-unsupported',
    `The store (${name}) copies no object with sse-c. ${nextStep}.`,
    { uploadId },
  );
}

/**
 * Refuses a client that wants to copy and has another key than that of the object: it could not read it.
 *
 * @throws CoordinatorError `customer-key-mismatch`
 */
export function assertOldKey(
  uploadId: string,
  { sourceEncryption }: Pick<RotationRecord, 'sourceEncryption'>,
  { copyByClient }: RotateRequest,
): void {
  const hasOther =
    sourceEncryption?.mode === 'sse-c' &&
    copyByClient &&
    copyByClient.oldCustomerKeyMd5 !== sourceEncryption.customerKeyMd5;
  if (hasOther) throw otherOldKey(uploadId);
}

/** A store that does without the key for an upload takes it for a copy all the same: the coordinator makes that itself. */
function wishOf({ objectStore }: UploadContext, { encryption }: RotateRequest): RotateRequest['encryption'] {
  if (encryption.mode !== 'sse-c' || !objectStore.profile.ssecBlind) return encryption;
  return { mode: encryption.mode, customerKeyMd5: encryption.customerKeyMd5 };
}

/** Encryptions before and after, as a rotation has them. */
export function encryptionsOf(
  { encryption: sourceEncryption }: UploadRecord,
  encryption: Encryption,
): Pick<RotationRecord, 'encryption' | 'sourceEncryption'> {
  return { encryption, ...(sourceEncryption && { sourceEncryption }) };
}

/** The refusal of a copy whose keys are not all there. */
export function keysNeeded(uploadId: string): CoordinatorError {
  return new CoordinatorError(
    'customer-key-needed',
    `The copy takes keys that are not here. Send oldCustomerKey where the object of upload ${uploadId} has one, and customerKey where it shall have one.`,
    { uploadId },
  );
}
