import type { ChecksumAlgorithm, ChecksumType } from '../checksums/algorithms.ts';
import { isChecksumAlgorithm, isCrc } from '../checksums/algorithms.ts';
import { xmlAnswer } from '../http/answers.ts';
import { encryptionHeaders } from '../http/encryption.ts';
import { readAttributes } from '../http/object-attributes.ts';
import type { S3Call } from '../http/s3-call.ts';
import { objectOfCall } from '../http/s3-call.ts';
import type { S3Request } from '../http/s3-request.ts';
import { amzHeader } from '../http/s3-request.ts';
import { refuseWriteCondition } from '../http/unsupported.ts';
import { S3Error, notImplemented } from '../s3-error.ts';
import type { DeclaredChecksum } from '../store/upload.ts';
import { createUpload } from '../store/uploads.ts';

/** CreateMultipartUpload. */
export async function handleCreateUpload(call: S3Call): Promise<Response> {
  const { store, request } = call;
  const { bucket, key } = objectOfCall(call);
  refuseWriteCondition(request);
  const checksum = readDeclaredChecksum(request);
  const attributes = readAttributes(request);
  const upload = await createUpload(store, bucket, {
    key,
    ...attributes,
    ...(checksum !== undefined && { checksum }),
  });
  return xmlAnswer(
    'InitiateMultipartUploadResult',
    { Bucket: bucket.name, Key: key, UploadId: upload.uploadId },
    {
      ...encryptionHeaders(attributes.encryption),
      ...(checksum !== undefined && {
        'x-amz-checksum-algorithm': checksum.algorithm,
        'x-amz-checksum-type': checksum.type,
      }),
    },
  );
}

function readDeclaredChecksum(request: S3Request): DeclaredChecksum | undefined {
  const algorithm = amzHeader(request, 'x-amz-checksum-algorithm')?.toUpperCase();
  const type = amzHeader(request, 'x-amz-checksum-type')?.toUpperCase();
  if (algorithm === undefined) {
    if (type === undefined) return undefined;
    throw new S3Error('InvalidRequest', {
      message: 'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
    });
  }
  if (!isChecksumAlgorithm(algorithm)) throw notImplemented('x-amz-checksum-algorithm');
  return { algorithm, type: readType(algorithm, type) };
}

function readType(algorithm: ChecksumAlgorithm, type: string | undefined): ChecksumType {
  if (type === undefined) return algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE';
  if (type !== 'FULL_OBJECT' && type !== 'COMPOSITE') {
    throw new S3Error('InvalidRequest', { message: 'Value for x-amz-checksum-type header is invalid.' });
  }
  const isPossible = type === 'FULL_OBJECT' ? isCrc(algorithm) : algorithm !== 'CRC64NVME';
  if (isPossible) return type;
  throw new S3Error('InvalidRequest', {
    message: `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
  });
}
