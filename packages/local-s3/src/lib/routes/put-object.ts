import { readBodyClaims } from '../body/body-claims.ts';
import type { ReceivedBody } from '../body/receive-body.ts';
import { receiveBody } from '../body/receive-body.ts';
import { checksumHeader } from '../checksums/algorithms.ts';
import { emptyAnswer, quoted } from '../http/answers.ts';
import { encryptionHeaders, etagUnder } from '../http/encryption.ts';
import { readAttributes } from '../http/object-attributes.ts';
import type { S3Call } from '../http/s3-call.ts';
import { objectOfCall } from '../http/s3-call.ts';
import { readWriteCondition } from '../http/unsupported.ts';
import { S3Error } from '../s3-error.ts';
import type { ObjectTarget } from '../store/objects.ts';
import { changingObject, nextVersionId, putVersion, refuseExisting } from '../store/objects.ts';
import { wholeSeconds } from '../store/store.ts';
import type { KeptChecksum, ObjectAttributes, ObjectVersion } from '../store/versions.ts';

/** PutObject. */
export async function handlePutObject(call: S3Call): Promise<Response> {
  const { store, request, payloadHash } = call;
  const target = objectOfCall(call);
  const mustBeNew = readWriteCondition(request);
  const attributes = readAttributes(request);
  const claims = readBodyClaims(request, payloadHash);
  const writer = await store.storage.beginBytes();
  const received = await receiveBody(request.body, { claims, writer });
  const version = await storeObject(call, target, { mustBeNew, attributes, received });
  return emptyAnswer(200, {
    etag: quoted(version.etag),
    ...(target.bucket.versioning !== undefined && { 'x-amz-version-id': version.versionId }),
    ...checksumHeaders(version.checksum),
    ...encryptionHeaders(version.encryption),
  });
}

/** Headers that show a checksum and its type. */
export function checksumHeaders(checksum: KeptChecksum | undefined): Record<string, string> {
  if (checksum === undefined) return {};
  return { [checksumHeader(checksum.algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

interface NewObject {
  readonly mustBeNew: boolean;
  readonly attributes: ObjectAttributes;
  readonly received: ReceivedBody;
}

/** Makes what was received the newest version of its key. */
export async function storeObject(
  { store }: S3Call,
  target: ObjectTarget,
  { mustBeNew, attributes, received }: NewObject,
): Promise<ObjectVersion> {
  try {
    return await changingObject(store, target, async () => {
      if (mustBeNew) refuseExisting(target);
      const version: ObjectVersion = {
        kind: 'object',
        versionId: nextVersionId(store, target.bucket.versioning),
        lastModifiedEpochMs: wholeSeconds(store.now()),
        etag: etagUnder(attributes.encryption, received.md5),
        sizeBytes: received.sizeBytes,
        bytes: received.bytes,
        ...attributes,
        ...(received.checksum !== undefined && { checksum: { ...received.checksum, type: 'FULL_OBJECT' } }),
      };
      await putVersion(store, target, version);
      return version;
    });
  } catch (error) {
    // A refusal comes before anything is written; after any other failure a record may point at the bytes.
    if (error instanceof S3Error) await store.storage.removeBytes(received.bytes);
    throw error;
  }
}
