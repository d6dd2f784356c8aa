import { receiveBody } from '../body/receive-body.ts';
import { isoTime, quoted, xmlAnswer } from '../http/answers.ts';
import { rangeOfCall, sourceOfCall } from '../http/copy-source.ts';
import { encryptionHeaders, refuseOtherPartKey } from '../http/encryption.ts';
import type { S3Call } from '../http/s3-call.ts';
import { uploadOfCall } from '../http/s3-call.ts';
import { uploadOf } from '../store/uploads.ts';
import { keepReceived, readPartNumber } from './upload-part.ts';

/** UploadPartCopy. */
export async function handleUploadPartCopy(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const partNumber = readPartNumber(request);
  const upload = uploadOf(store, uploadOfCall(call));
  refuseOtherPartKey(upload.encryption, request);
  const source = sourceOfCall(call);
  const { start, end } = rangeOfCall(call, source);
  const placement = { group: upload.uploadId, partNumber, sizeBytes: end - start };
  const received = await receiveBody(store.storage.readBytes(source.bytes, start, end), {
    claims: { sizeBytes: end - start, isAwsChunked: false },
    writer: await store.storage.beginBytes(placement),
    ...(upload.checksum !== undefined && { checksumAlgorithm: upload.checksum.algorithm }),
  });
  const part = await keepReceived(call, upload, { partNumber, received });
  return xmlAnswer(
    'CopyPartResult',
    { ETag: quoted(part.etag), LastModified: isoTime(part.lastModifiedEpochMs) },
    encryptionHeaders(upload.encryption),
  );
}
