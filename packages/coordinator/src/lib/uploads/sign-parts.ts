import {
  boundsOf,
  type Checksum,
  type CreateUploadRequest,
  fitsPlan,
  type Grant,
  type OpenPlan,
  type PartPlan,
  partRange,
  type PartToSign,
} from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { HotUpload } from '../ports/state-store.ts';
import type { UploadContext } from './context.ts';
import { customerKeyOf } from './customer-key.ts';
import { newObjectOf } from './new-object.ts';
import { wholeOf } from './whole-record.ts';

/** Presigns parts of a multipart upload. */
export async function signParts(
  context: UploadContext,
  hot: HotUpload,
  parts: readonly PartToSign[],
): Promise<readonly Grant[]> {
  if (parts.length === 0) return [];
  const key = await customerKeyOf(context, hot, 'sign');
  return await Promise.all(
    parts.map((part) =>
      context.objectStore.signPart({
        key: hot.s3Key,
        s3UploadId: hot.s3UploadId,
        partNumber: part.partNumber,
        sizeBytes: part.sizeBytes,
        ...(part.checksum && { checksum: part.checksum }),
        ...(hot.encryption && { encryption: hot.encryption }),
        ...key,
        expiresInSeconds: context.settings.grantExpiresInSeconds,
      }),
    ),
  );
}

/**
 * Presigns the one PUT of a single upload, after its expiry was written down: cancelling has to outwait it. `undefined`:
 * the upload is not open any more.
 */
export async function signWhole(
  context: UploadContext,
  record: UploadRecord,
  checksum: Checksum | undefined = record.checksum,
): Promise<Grant | undefined> {
  const expiresInSeconds = context.settings.grantExpiresInSeconds;
  const isOpen = await context.catalog.recordGrant(record.uploadId, { expiresInSeconds });
  if (!isOpen) return undefined;
  return await context.objectStore.signPut({
    ...newObjectOf(record),
    ...(await customerKeyOf(context, record, 'sign')),
    sizeBytes: wholeOf(record).plan.sizeBytes,
    ...(checksum && { checksum }),
    expiresInSeconds,
  });
}

/**
 * Parts whose URLs go along with the answer of create: those that were asked for, as far as they are of the plan and of the
 * upload's digest. Where parts have no digests, the first ones that are missing.
 */
export function firstParts(
  { plan, checksumAlgorithm }: Pick<UploadRecord, 'plan' | 'checksumAlgorithm'>,
  { sign = [], partSizeBytes }: Pick<CreateUploadRequest, 'sign' | 'partSizeBytes'>,
  received: ReadonlySet<number>,
  count: number,
): readonly PartToSign[] {
  // While the size is unknown, any part may be the last one and have another size.
  if (plan.sizeBytes === null) return [];
  if (checksumAlgorithm) {
    // In another plan a part of the same number and size may lie elsewhere, and then its digest is of other bytes.
    if (partSizeBytes !== plan.partSizeBytes) return [];
    return sign.filter(
      (part) =>
        part.checksum?.algorithm === checksumAlgorithm &&
        fitsPlan(plan, part) &&
        !received.has(part.partNumber),
    );
  }
  const missing: PartToSign[] = [];
  for (let number = 1; number <= plan.partCount && missing.length < count; number++) {
    if (!received.has(number)) missing.push(partRange(plan, number));
  }
  return missing;
}

/**
 * Refuses parts that are not in the plan, before anything is signed or written down.
 *
 * @throws CoordinatorError `part-number-out-of-range` or `part-size-mismatch`
 */
export function assertPlanned(
  plan: PartPlan | OpenPlan,
  parts: readonly PartToSign[],
  uploadId: string,
): void {
  const { partCount } = boundsOf(plan);
  for (const part of parts) {
    if (part.partNumber > partCount) {
      throw new CoordinatorError(
        'part-number-out-of-range',
        `Part ${part.partNumber} does not exist: upload ${uploadId} has parts 1 to ${partCount}.`,
        { uploadId },
      );
    }
    if (!fitsPlan(plan, part)) {
      const plannedBytes = partRange(plan, part.partNumber).sizeBytes;
      throw new CoordinatorError(
        'part-size-mismatch',
        `Part ${part.partNumber} of upload ${uploadId} has ${plannedBytes} bytes${plan.sizeBytes === null ? ' at most' : ''} in its plan, not ${part.sizeBytes}.`,
        { uploadId },
      );
    }
  }
}

/**
 * Refuses digests that the upload was not opened with: the store would refuse the part, with less of a reason. Refuses parts
 * without one where the others have them: nobody could tell what such a part is of.
 *
 * @throws CoordinatorError `bad-request`
 */
export function assertDigests(
  { uploadId, checksumAlgorithm }: Pick<UploadRecord, 'uploadId' | 'checksumAlgorithm'>,
  parts: readonly PartToSign[],
): void {
  const wrong = parts.find(({ checksum }) => checksum?.algorithm !== checksumAlgorithm);
  if (!wrong) return;
  const wanted = checksumAlgorithm ? `has digests by ${checksumAlgorithm}` : 'was opened without digests';
  const has = wrong.checksum ? `with ${wrong.checksum.algorithm}` : 'without a digest';
  throw new CoordinatorError(
    'bad-request',
    `Part ${wrong.partNumber} cannot be signed ${has}: upload ${uploadId} ${wanted}.`,
    { uploadId },
  );
}
