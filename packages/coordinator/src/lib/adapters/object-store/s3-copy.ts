import { CopyObjectCommand, type CopyObjectCommandInput, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import { type CopySource, type ObjectStore, ObjectStoreError } from '../../ports/object-store.ts';
import type { S3Connection } from './s3-client.ts';
import { customerKeyInput, encryptionInput } from './s3-encryption.ts';
import { toObjectStoreError } from './s3-error.ts';
import { checkMetadata, keepsChecksum } from './s3-headers.ts';
import { objectOptionsInput } from './s3-object-options.ts';
import { encodeKey } from './s3-presign.ts';

/** Copies a whole object at the store. The SDK takes a 200 with an error in its body for the error that it is. */
export async function copyObject(
  connection: S3Connection,
  input: Parameters<ObjectStore['copyObject']>[0],
): Promise<void> {
  const { bucket, profile, onceClient, completeTimeoutMs } = connection;
  const call = `CopyObject of s3://${bucket}/${input.source.key} to ${input.key}`;
  const options = objectOptionsInput(input.objectOptions);
  const command: CopyObjectCommandInput = {
    ...sourceInput(bucket, input.source),
    Bucket: bucket,
    Key: input.key,
    MetadataDirective: 'REPLACE',
    Metadata: checkMetadata(input.metadata),
    ContentType: input.contentType,
    ...encryptionInput(input),
    ...options,
    ...(options.Tagging !== undefined && { TaggingDirective: 'REPLACE' }),
    ...(keepsChecksum(profile, input.checksumAlgorithm) && { ChecksumAlgorithm: input.checksumAlgorithm }),
  };
  try {
    const abortSignal = AbortSignal.timeout(completeTimeoutMs);
    await onceClient.send(new CopyObjectCommand(command), { abortSignal });
  } catch (error) {
    throw toObjectStoreError(call, error);
  }
}

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
  CopyObjectCommandInput,
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
