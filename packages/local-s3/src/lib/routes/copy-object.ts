import { receiveBody } from '../body/receive-body.ts';
import { isChecksumAlgorithm } from '../checksums/algorithms.ts';
import { isoTime, quoted, xmlAnswer } from '../http/answers.ts';
import { sourceOfCall } from '../http/copy-source.ts';
import { encryptionHeaders, readEncryption } from '../http/encryption.ts';
import { readAttributes } from '../http/object-attributes.ts';
import type { S3Call } from '../http/s3-call.ts';
import { objectOfCall } from '../http/s3-call.ts';
import { amzHeader } from '../http/s3-request.ts';
import { readWriteCondition } from '../http/unsupported.ts';
import { notImplemented, S3Error } from '../s3-error.ts';
import { MAX_PUT_SIZE_BYTES } from '../s3-limits.ts';
import type { ObjectAttributes, ObjectVersion } from '../store/versions.ts';
import { checksumHeaders, storeObject } from './put-object.ts';

/** CopyObject. The bytes are read and written anew, as they are where the key of the copy is another. */
export async function handleCopyObject(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const target = objectOfCall(call);
  const source = sourceOfCall(call);
  if (source.sizeBytes > MAX_PUT_SIZE_BYTES) {
    throw new S3Error('InvalidRequest', {
      message: 'The specified copy source is larger than the maximum allowable size for a copy source',
    });
  }
  const mustBeNew = readWriteCondition(request);
  const attributes = readCopyAttributes(call, source);
  const algorithm =
    amzHeader(request, 'x-amz-checksum-algorithm')?.toUpperCase() ?? source.checksum?.algorithm;
  if (algorithm !== undefined && !isChecksumAlgorithm(algorithm))
    throw notImplemented('x-amz-checksum-algorithm');
  const received = await receiveBody(store.storage.readBytes(source.bytes, 0, source.sizeBytes), {
    claims: { sizeBytes: source.sizeBytes, isAwsChunked: false },
    writer: await store.storage.beginBytes(),
    ...(algorithm !== undefined && { checksumAlgorithm: algorithm }),
  });
  const version = await storeObject(call, target, { mustBeNew, attributes, received });
  return xmlAnswer(
    'CopyObjectResult',
    { ETag: quoted(version.etag), LastModified: isoTime(version.lastModifiedEpochMs) },
    {
      ...(target.bucket.versioning !== undefined && { 'x-amz-version-id': version.versionId }),
      ...checksumHeaders(version.checksum),
      ...encryptionHeaders(version.encryption),
    },
  );
}

/** What is said of the copy: the source's own, or what the request says; the encryption is never the source's. */
function readCopyAttributes({ request }: S3Call, source: ObjectVersion): ObjectAttributes {
  const directive = amzHeader(request, 'x-amz-metadata-directive') ?? 'COPY';
  if (directive === 'REPLACE') return readAttributes(request);
  if (directive !== 'COPY') throw new S3Error('InvalidArgument', { message: 'Unknown metadata directive.' });
  const encryption = readEncryption(request);
  return { headers: source.headers, metadata: source.metadata, ...(encryption && { encryption }) };
}
