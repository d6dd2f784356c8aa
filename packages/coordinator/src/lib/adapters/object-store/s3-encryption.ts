import { CUSTOMER_KEY_HEADERS, type Encryption, type EncryptionMode } from '@longhaul/protocol';

/** Parameters of the SDK for encryption at rest. */
interface EncryptionInput {
  ServerSideEncryption?: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
}

/**
 * Parameters of the SDK for encryption at rest.
 *
 * @throws {TypeError} with `sse-c`: such a call takes the key, which is not known here
 */
export function encryptionInput(encryption: Encryption | undefined): EncryptionInput {
  switch (encryption?.mode) {
    case undefined:
      return {};
    case 'sse-s3':
      return { ServerSideEncryption: 'AES256' };
    case 'sse-kms':
      return {
        ServerSideEncryption: 'aws:kms',
        ...(encryption.kmsKeyId !== undefined && { SSEKMSKeyId: encryption.kmsKeyId }),
      };
    case 'sse-c':
      throw new TypeError('an object under a key of the client is begun by the client');
  }
}

/** Headers of a presigned request that begins an object. */
export function encryptionHeaders(encryption: Encryption | undefined): Record<string, string> {
  if (encryption?.mode === 'sse-c') return customerKeyHeaders(encryption);
  const { ServerSideEncryption, SSEKMSKeyId } = encryptionInput(encryption);
  return {
    ...(ServerSideEncryption && { 'x-amz-server-side-encryption': ServerSideEncryption }),
    ...(SSEKMSKeyId && { 'x-amz-server-side-encryption-aws-kms-key-id': SSEKMSKeyId }),
  };
}

/**
 * Headers of `sse-c` on every request for the object's bytes; none of other modes, which are said once. The MD5 binds the
 * URL to one key, and the key itself is left to whoever has it: S3 wants the algorithm signed and takes the key unsigned.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
export function customerKeyHeaders(encryption: Encryption | undefined): Record<string, string> {
  if (encryption?.mode !== 'sse-c') return {};
  return {
    [CUSTOMER_KEY_HEADERS.algorithm]: 'AES256',
    [CUSTOMER_KEY_HEADERS.md5]: encryption.customerKeyMd5,
  };
}

/** How the answer to HEAD says that an object is encrypted. To the call that begins it some stores say nothing (MinIO). */
export function readEncryption(answer: {
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}): EncryptionMode | undefined {
  if (answer.SSECustomerAlgorithm !== undefined) return 'sse-c';
  if (answer.ServerSideEncryption === undefined) return undefined;
  return answer.ServerSideEncryption === 'AES256' ? 'sse-s3' : 'sse-kms';
}
