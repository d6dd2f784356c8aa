import { UploadPartCopyCommand, type UploadPartCopyCommandInput } from '@aws-sdk/client-s3';
import { type CopySource, type ObjectStore, ObjectStoreError } from '../../ports/object-store.ts';
import type { S3Connection } from './s3-client.ts';
import { customerKeyInput } from './s3-encryption.ts';
import { toObjectStoreError } from './s3-error.ts';
import { encodeKey } from './s3-presign.ts';

/** Makes a part of a stretch of another object. */
export async function copyPart(
  { bucket, onceClient, completeTimeoutMs }: S3Connection,
  { key, s3UploadId, partNumber, source, range, customerKey }: Parameters<ObjectStore['copyPart']>[0],
): Promise<void> {
  const call = `UploadPartCopy ${partNumber} of s3://${bucket}/${source.key} to ${key}`;
  const command = new UploadPartCopyCommand({
    ...sourceInput(bucket, source),
    Bucket: bucket,
    Key: key,
    UploadId: s3UploadId,
    PartNumber: partNumber,
    CopySourceRange: `bytes=${range.start}-${range.end - 1}`,
    ...customerKeyInput(customerKey),
  });
  try {
    const { CopyPartResult } = await onceClient.send(command, {
      abortSignal: AbortSignal.timeout(completeTimeoutMs),
    });
    if (!CopyPartResult?.ETag)
      throw new ObjectStoreError('unreachable', `${call} got no usable answer: no ETag`);
  } catch (error) {
    throw toObjectStoreError(call, error);
  }
}

/** Parameters of the SDK for the source. It works out the MD5 of the key by itself. */
function sourceInput(
  bucket: string,
  { key, versionId, etag, customerKey }: CopySource,
): Pick<
  UploadPartCopyCommandInput,
  'CopySource' | 'CopySourceIfMatch' | 'CopySourceSSECustomerAlgorithm' | 'CopySourceSSECustomerKey'
> {
  const version = versionId === undefined ? '' : `?versionId=${encodeURIComponent(versionId)}`;
  return {
    CopySource: `${bucket}/${encodeKey(key)}${version}`,
    ...(etag !== undefined && { CopySourceIfMatch: etag }),
    ...(customerKey && {
      CopySourceSSECustomerAlgorithm: 'AES256',
      CopySourceSSECustomerKey: Buffer.from(customerKey.reveal()).toString('base64'),
    }),
  };
}
