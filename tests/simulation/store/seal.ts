import { createHash } from 'node:crypto';
import { CUSTOMER_KEY_HEADERS, type Encryption } from '@longhaul/protocol';
import type { NewObject } from '@longhaul/coordinator';
import { Secret } from '@longhaul/coordinator/key-vault';
import { S3Refusal } from './s3-refusal.ts';

/** A key of a caller's as it comes with a call. */
type CustomerKey = NewObject['customerKey'];

/**
 * How an object is going to be encrypted.
 *
 * @throws S3Refusal without the key that its MD5 is of
 */
export function sealFor({
  encryption,
  customerKey,
}: Pick<NewObject, 'encryption' | 'customerKey'>): Encryption | undefined {
  assertOpens(encryption, customerKey);
  return encryption;
}

/** @throws S3Refusal where a key is needed and another one comes, or none */
export function assertOpens(encryption: Encryption | undefined, customerKey: CustomerKey): void {
  if (encryption?.mode !== 'sse-c') return;
  if (!customerKey) throw new S3Refusal(400, 'InvalidRequest');
  const md5 = createHash('md5').update(customerKey.reveal()).digest('base64');
  if (md5 !== encryption.customerKeyMd5) throw new S3Refusal(403, 'AccessDenied');
}

/** Whether ETags under it are MD5s of the content: they are not under keys that the store does not have by itself. */
export function makesMd5Etags(encryption: Encryption | undefined): boolean {
  return encryption === undefined || encryption.mode === 'sse-s3';
}

const KIND = 'x-amz-server-side-encryption';
const KMS_KEY = 'x-amz-server-side-encryption-aws-kms-key-id';

/** Headers that ask for it; those of `secret` are signed, and told in no grant. */
export function sealHeaders({ encryption, customerKey }: Pick<NewObject, 'encryption' | 'customerKey'>): {
  readonly told: Readonly<Record<string, string>>;
  readonly secret: Readonly<Record<string, string>>;
} {
  if (!encryption) return { told: {}, secret: {} };
  if (encryption.mode === 'sse-c') {
    const { algorithm, md5, key } = CUSTOMER_KEY_HEADERS;
    const bytes = customerKey && Buffer.from(customerKey.reveal()).toString('base64');
    return {
      told: { [algorithm]: 'AES256', [md5]: encryption.customerKeyMd5 },
      secret: bytes === undefined ? {} : { [key]: bytes },
    };
  }
  const kmsKeyId = encryption.mode === 'sse-kms' ? encryption.kmsKeyId : undefined;
  const told = { [KIND]: encryption.mode === 'sse-kms' ? 'aws:kms' : 'AES256' };
  return { told: { ...told, ...(kmsKeyId !== undefined && { [KMS_KEY]: kmsKeyId }) }, secret: {} };
}

/** What the headers of a PUT ask for. */
export function sealIn(
  headers: Readonly<Record<string, string>>,
): Pick<NewObject, 'encryption' | 'customerKey'> {
  const customerKeyMd5 = headers[CUSTOMER_KEY_HEADERS.md5];
  const customerKey = customerKeyIn(headers);
  if (customerKeyMd5 !== undefined)
    return { encryption: { mode: 'sse-c', customerKeyMd5 }, ...(customerKey && { customerKey }) };
  const kind = headers[KIND];
  if (kind === undefined) return {};
  const kmsKeyId = headers[KMS_KEY];
  return kind === 'AES256'
    ? { encryption: { mode: 'sse-s3' } }
    : { encryption: { mode: 'sse-kms', ...(kmsKeyId !== undefined && { kmsKeyId }) } };
}

/** The key that comes with a PUT. */
export function customerKeyIn(headers: Readonly<Record<string, string>>): CustomerKey {
  const key = headers[CUSTOMER_KEY_HEADERS.key];
  return key === undefined ? undefined : new Secret(new Uint8Array(Buffer.from(key, 'base64')));
}
