import type { Encryption, RotateRequest } from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { decideEncryption } from '../encryption-policy.ts';
import { areEnough, keysIn } from './rotation-keys.ts';

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
