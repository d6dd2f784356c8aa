import { CUSTOMER_KEY_HEADERS, type Encryption, type EncryptionMode } from '@longhaul/protocol';
import type { CustomerKey } from '../../ports/key-vault.ts';

/** Parameters of the SDK for encryption at rest. */
interface EncryptionInput {
  ServerSideEncryption?: 'AES256' | 'aws:kms';
  SSEKMSKeyId?: string;
}

/** Parameters of the SDK for a key of the caller's. It works out the MD5 by itself. */
interface CustomerKeyInput {
  SSECustomerAlgorithm?: 'AES256';
  /** Base64. */
  SSECustomerKey?: string;
}

/** How the bytes of an object are encrypted, and the key where it is known. */
export interface EncryptedWith {
  readonly encryption?: Encryption;
  readonly customerKey?: CustomerKey;
}

/**
 * Parameters of the SDK for a call that begins an object.
 *
 * @throws {TypeError} with `sse-c` whose key is not known here
 */
export function encryptionInput({
  encryption,
  customerKey,
}: EncryptedWith): EncryptionInput & CustomerKeyInput {
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
      if (customerKey === undefined)
        throw new TypeError('an object under a key of the client is begun by the client');
      return customerKeyInput(customerKey);
  }
}

/** Parameters of the SDK for a call about an object that is there, or is being made. */
export function customerKeyInput(customerKey: CustomerKey | undefined): CustomerKeyInput {
  return customerKey === undefined
    ? {}
    : { SSECustomerAlgorithm: 'AES256', SSECustomerKey: inBase64(customerKey) };
}

function inBase64(customerKey: CustomerKey): string {
  return Buffer.from(customerKey.reveal()).toString('base64');
}

/** Headers of a presigned request that begins an object. */
export function encryptionHeaders(input: EncryptedWith): Record<string, string> {
  if (input.encryption?.mode === 'sse-c') return customerKeyHeaders(input);
  const { ServerSideEncryption, SSEKMSKeyId } = encryptionInput(input);
  return {
    ...(ServerSideEncryption && { 'x-amz-server-side-encryption': ServerSideEncryption }),
    ...(SSEKMSKeyId && { 'x-amz-server-side-encryption-aws-kms-key-id': SSEKMSKeyId }),
  };
}

/**
 * Headers of `sse-c` on every request for the object's bytes; none of other modes, which are said once. The MD5 binds the
 * URL to one key, and a key that is not known here is left to whoever has it: S3 wants the algorithm signed and takes the
 * key unsigned.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
export function customerKeyHeaders({ encryption, customerKey }: EncryptedWith): Record<string, string> {
  if (encryption?.mode !== 'sse-c') return {};
  return {
    [CUSTOMER_KEY_HEADERS.algorithm]: 'AES256',
    [CUSTOMER_KEY_HEADERS.md5]: encryption.customerKeyMd5,
    ...(customerKey && { [CUSTOMER_KEY_HEADERS.key]: inBase64(customerKey) }),
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
