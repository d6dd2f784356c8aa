import type { BodyClaims } from '../body/body-claims.ts';
import { readBodyClaims } from '../body/body-claims.ts';
import type { ReceivedBody } from '../body/receive-body.ts';
import { receiveBody } from '../body/receive-body.ts';
import { checksumHeader } from '../checksums/algorithms.ts';
import { emptyAnswer, quoted } from '../http/answers.ts';
import { encryptionHeaders, etagUnder, refuseOtherPartKey } from '../http/encryption.ts';
import type { S3Call } from '../http/s3-call.ts';
import { uploadOfCall } from '../http/s3-call.ts';
import type { S3Request } from '../http/s3-request.ts';
import { queryValue } from '../http/s3-request.ts';
import { refuseWriteCondition } from '../http/unsupported.ts';
import { S3Error } from '../s3-error.ts';
import { MAX_PART_NUMBER } from '../s3-limits.ts';
import { wholeSeconds } from '../store/store.ts';
import type { Part, Upload } from '../store/upload.ts';
import { putPart, uploadOf } from '../store/uploads.ts';

/** UploadPart. */
export async function handleUploadPart(call: S3Call): Promise<Response> {
  const { store, request, payloadHash } = call;
  const target = uploadOfCall(call);
  const partNumber = readPartNumber(request);
  refuseWriteCondition(request);
  const upload = uploadOf(store, target);
  refuseOtherPartKey(upload.encryption, request);
  const claims = readBodyClaims(request, payloadHash);
  refuseOtherChecksum(upload, claims);

  const placement = { group: upload.uploadId, partNumber, sizeBytes: claims.sizeBytes };
  const writer = await store.storage.beginBytes(placement);
  const received = await receiveBody(request.body, {
    claims,
    writer,
    ...(upload.checksum !== undefined && { checksumAlgorithm: upload.checksum.algorithm }),
  });
  const part = await keepReceived(call, upload, { partNumber, received });
  return emptyAnswer(200, {
    etag: quoted(part.etag),
    ...checksumOf(part),
    ...encryptionHeaders(upload.encryption),
  });
}

/** Makes what was received a part of the upload. */
export async function keepReceived(
  call: S3Call,
  upload: Upload,
  { partNumber, received }: { readonly partNumber: number; readonly received: ReceivedBody },
): Promise<Part> {
  const part: Part = {
    partNumber,
    sizeBytes: received.sizeBytes,
    etag: etagUnder(upload.encryption, received.md5),
    lastModifiedEpochMs: wholeSeconds(call.store.now()),
    bytes: received.bytes,
    ...(received.checksum !== undefined && { checksum: received.checksum }),
  };
  await keepPart(call, part);
  return part;
}

async function keepPart(call: S3Call, part: Part): Promise<void> {
  try {
    await putPart(call.store, uploadOfCall(call), part);
  } catch (error) {
    // A refusal comes before anything is written; after any other failure a record may point at the bytes.
    if (error instanceof S3Error) await call.store.storage.removeBytes(part.bytes);
    throw error;
  }
}

/** The number that the query names, 1 to 10,000. */
export function readPartNumber(request: S3Request): number {
  const text = queryValue(request, 'partNumber') ?? '';
  const partNumber = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (partNumber >= 1 && partNumber <= MAX_PART_NUMBER) return partNumber;
  throw new S3Error('InvalidArgument', {
    message: `Part number must be an integer between 1 and ${MAX_PART_NUMBER}, inclusive`,
    details: { ArgumentName: 'partNumber', ArgumentValue: text },
  });
}

/** A checksum must be the declared one. Where the whole is made of the parts' own values none may be missing. */
function refuseOtherChecksum({ checksum: declared }: Upload, { checksum: claimed }: BodyClaims): void {
  const isMissing = claimed === undefined && declared?.type === 'COMPOSITE';
  const isOther = claimed !== undefined && claimed.algorithm !== declared?.algorithm;
  if (!isMissing && !isOther) return;
  const [expected, actual] = [declared, claimed].map(
    (checksum) => checksum?.algorithm.toLowerCase() ?? 'null',
  );
  throw new S3Error('InvalidRequest', {
    message: `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
  });
}

function checksumOf({ checksum }: Part): Record<string, string> {
  return checksum === undefined ? {} : { [checksumHeader(checksum.algorithm)]: checksum.value };
}
