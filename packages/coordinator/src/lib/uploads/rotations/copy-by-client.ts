import {
  fitsPlan,
  type Grant,
  isComposite,
  partRange,
  type ReceivedPart,
  type RotationCopy,
  type RotationCopyRequest,
} from '@longhaul/protocol';
import { CoordinatorError } from '../../coordinator-error.ts';
import type { StoredPart } from '../../ports/object-store.ts';
import type { RotationRecord } from '../../ports/rotations.ts';
import type { UploadRecord } from '../../ports/upload-record.ts';
import type { UploadContext } from '../context.ts';
import { wholeOf } from '../whole-record.ts';
import { copyClosed, isCopiedByClient, isEven, isUncopied } from './client-copy.ts';
import { newCopyOf } from './copy-object.ts';
import { findOwned } from './find-owned.ts';
import { openStreamed, type Streaming } from './open-streamed.ts';

type PartsToSign = NonNullable<RotationCopyRequest['sign']>;

/**
 * Gives the owner of an object what it takes to stream it to its new key: URLs that are good with the keys, and with no others.
 *
 * @throws CoordinatorError `upload-not-found`, `rotation-not-found`, `rotation-copy-closed`, `part-number-out-of-range`,
 * `opening-unknown`, `rotation-open`; ObjectStoreError
 */
export async function copyByClient(
  context: UploadContext,
  owner: string,
  uploadId: string,
  request: RotationCopyRequest,
): Promise<RotationCopy> {
  const { rotationId, sign = [] } = request;
  const record = await findOwned(context, owner, uploadId);
  const rotation = await context.catalog.rotations.find(uploadId, rotationId);
  if (!rotation) {
    const detail = `The object of upload ${uploadId} has no rotation ${rotationId}. Begin one.`;
    throw new CoordinatorError('rotation-not-found', detail, { uploadId });
  }
  if (!isUncopied(rotation) || !isCopiedByClient(context.objectStore.profile, rotation))
    throw copyClosed(uploadId);
  assertParts(rotation, sign);
  const opened = await openStreamed(context, { rotation, record }, request);
  const [source, opening, grants] = await Promise.all([
    signSource(context, rotation),
    opened ? {} : signOpening(context, rotation, record),
    opened ? signCopied(context, opened, sign) : [],
  ]);
  return {
    source,
    plan: rotation.plan,
    ...opening,
    ...(opened?.parts && { receivedParts: receivedOf(rotation, opened.parts) }),
    grants,
    ...digestOf(record),
  };
}

function assertParts({ plan: { partCount }, uploadId }: RotationRecord, parts: PartsToSign): void {
  const wrong = parts.find(({ partNumber }) => partNumber > partCount);
  if (!wrong) return;
  const detail = `Part ${wrong.partNumber} does not exist: the copy of upload ${uploadId} has parts 1 to ${partCount}.`;
  throw new CoordinatorError('part-number-out-of-range', detail, { uploadId });
}

async function signSource(
  { objectStore, settings }: UploadContext,
  { sourceKey: key, sourceVersionId, sourceEtag, sourceEncryption }: RotationRecord,
): Promise<RotationCopy['source']> {
  return await objectStore.signGet({
    key,
    ...(sourceVersionId !== undefined && { versionId: sourceVersionId }),
    ...(sourceEtag !== undefined && { etag: sourceEtag }),
    ...(sourceEncryption && { encryption: sourceEncryption }),
    expiresInSeconds: settings.grantExpiresInSeconds,
  });
}

async function signOpening(
  context: UploadContext,
  rotation: RotationRecord,
  record: UploadRecord,
): Promise<Pick<RotationCopy, 'openingCall'>> {
  const { grantExpiresInSeconds: expiresInSeconds } = context.settings;
  const copy = newCopyOf(context, { rotation, record, keys: {} });
  return { openingCall: await context.objectStore.signCreate({ ...copy, expiresInSeconds }) };
}

async function signCopied(
  { objectStore, settings }: UploadContext,
  { rotation, s3UploadId }: Streaming,
  parts: PartsToSign,
): Promise<readonly Grant[]> {
  const { s3Key: key, encryption, plan } = rotation;
  return await Promise.all(
    parts.map(({ partNumber, contentMd5 }) =>
      objectStore.signPart({
        key,
        s3UploadId,
        partNumber,
        sizeBytes: partRange(plan, partNumber).sizeBytes,
        checksum: { algorithm: 'MD5', value: contentMd5 },
        encryption,
        expiresInSeconds: settings.grantExpiresInSeconds,
      }),
    ),
  );
}

function receivedOf({ plan }: RotationRecord, parts: readonly StoredPart[]): readonly ReceivedPart[] {
  return parts
    .filter((part) => fitsPlan(plan, part))
    .map(({ partNumber, sizeBytes }) => ({ partNumber, sizeBytes }));
}

/** How the client digests what it streams, so that it can be compared with what was uploaded. */
function digestOf(record: UploadRecord): Pick<RotationCopy, 'digest'> {
  const { checksum } = record;
  if (!checksum) return {};
  const { algorithm } = checksum;
  if (!isComposite(checksum)) return { digest: { algorithm } };
  const { plan } = wholeOf(record);
  return isEven(plan) ? { digest: { algorithm, partSizeBytes: plan.partSizeBytes } } : {};
}
