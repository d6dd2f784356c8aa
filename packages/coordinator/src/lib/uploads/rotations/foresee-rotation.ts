import { isDeepStrictEqual } from 'node:util';
import { type ObjectEncryption, objectEncryptionOf, type RotateRequest } from '@longhaul/protocol';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { wholeOf } from '../whole-record.ts';
import { assertPossible, wishedEncryption } from './rotation-wish.ts';

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

/** What a rotation of a node would do. Throws what would be refused at once. */
export function foreseeRotation(
  context: UploadContext,
  record: UploadRecord,
  request: RotateRequest,
): RotationOutlook {
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
