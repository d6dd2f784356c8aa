import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms';
import { type KeySealer, KeyVaultError } from '../../ports/key-vault.ts';
import { Secret } from '../../secret.ts';
import { contextOf, decrypt, encrypt } from '../aes-gcm.ts';

const VERSION = 'k1';

/** Options of {@link createKmsSealer}. */
export interface KmsSealerOptions {
  /** Its credentials need `kms:GenerateDataKey` and `kms:Decrypt` on the key. */
  readonly client: KMSClient;
  /** Id, ARN or alias of a symmetric key. Sealed keys of another one are not opened, but asked for again. */
  readonly keyId: string;
}

/**
 * Seals keys with data keys of AWS KMS: the master key never leaves KMS, which also rotates it and tells CloudTrail of each
 * use. The id of the upload is the encryption context.
 *
 * @example createKmsSealer({ client: new KMSClient({ region: 'eu-west-1' }), keyId: 'alias/longhaul' });
 */
export function createKmsSealer({ client, keyId }: KmsSealerOptions): KeySealer {
  return {
    name: 'aws-kms',
    async seal(uploadId, key) {
      const command = new GenerateDataKeyCommand({
        KeyId: keyId,
        KeySpec: 'AES_256',
        EncryptionContext: encryptionContext(uploadId),
      });
      const { Plaintext, CiphertextBlob } = await send('GenerateDataKey', () => client.send(command));
      if (Plaintext === undefined || CiphertextBlob === undefined)
        throw new KeyVaultError('refused', 'GenerateDataKey of KMS answered no key');
      const text = await encrypt(Plaintext, key.reveal(), contextOf(uploadId));
      Plaintext.fill(0);
      return `${VERSION}.${Buffer.from(CiphertextBlob).toString('base64url')}.${text}`;
    },
    async open(uploadId, sealed) {
      const [version, dataKey = '', text = ''] = sealed.split('.');
      if (version !== VERSION)
        throw new KeyVaultError(
          'sealed-otherwise',
          'A sealed key was not made by KMS, so KMS cannot open it',
        );
      const command = new DecryptCommand({
        KeyId: keyId,
        CiphertextBlob: new Uint8Array(Buffer.from(dataKey, 'base64url')),
        EncryptionContext: encryptionContext(uploadId),
      });
      const { Plaintext } = await send('Decrypt', () => client.send(command));
      if (Plaintext === undefined) throw new KeyVaultError('refused', 'Decrypt of KMS answered no key');
      const key = await decrypt(Plaintext, text, contextOf(uploadId));
      Plaintext.fill(0);
      return new Secret(key);
    },
  };
}

function encryptionContext(uploadId: string): Record<string, string> {
  return { 'longhaul:upload-id': uploadId };
}

async function send<Answer>(action: string, call: () => Promise<Answer>): Promise<Answer> {
  try {
    return await call();
  } catch (cause) {
    throw toVaultError(action, cause as KmsFailure);
  }
}

interface KmsFailure {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** Text, context or key are not those of the sealing. */
const SEALED_OTHERWISE = new Set(['InvalidCiphertextException', 'IncorrectKeyException']);

function toVaultError(action: string, cause: KmsFailure): KeyVaultError {
  const { name = 'no answer', message = '', $metadata } = cause;
  // AccessDenied has two meanings; this one is about a key of somebody else.
  const isForeign = name === 'AccessDeniedException' && message.startsWith('The ciphertext refers to');
  if (isForeign || SEALED_OTHERWISE.has(name))
    return new KeyVaultError('sealed-otherwise', `KMS does not open a sealed key: ${name}`, { cause });
  const status = $metadata?.httpStatusCode ?? 0;
  const isOurs = status >= 400 && status < 500 && name !== 'ThrottlingException';
  return new KeyVaultError(isOurs ? 'refused' : 'unreachable', `${action} of KMS failed: ${name}`, { cause });
}
