/** Ways in which a store encrypts at rest: with its own keys, with keys of a key service, with a key that comes along. */
export type EncryptionMode = 'sse-s3' | 'sse-kms' | 'sse-c';

/** How an object is encrypted at rest, as its upload remembers it. Left out: what the bucket does by itself. */
export type Encryption =
  | { readonly mode: 'sse-s3' }
  | {
      readonly mode: 'sse-kms';
      /** Left out: the key that the store has for it by itself. */
      readonly kmsKeyId?: string;
    }
  | {
      readonly mode: 'sse-c';
      /** MD5 of the key, base64: the store is bound to the key by it. It says nothing of a random key. */
      readonly customerKeyMd5: string;
    };

/** What a create call asks for. `sse-kms` without a key gets the default one of the server's policy, where it has one. */
export type EncryptionWish =
  | Exclude<Encryption, { mode: 'sse-c' }>
  | {
      readonly mode: 'sse-c';
      /** MD5 of the key, base64. */
      readonly customerKeyMd5: string;
      /**
       * The key itself, 256 bits in base64: only for a server whose store cannot do without, which says so with the problem
       * `customer-key-needed`. Over TLS only.
       */
      readonly customerKey?: string;
    };

/** How an object is encrypted, as results and events tell it. Of a customer's key they tell nothing. */
export type ObjectEncryption = Exclude<Encryption, { mode: 'sse-c' }> | { readonly mode: 'sse-c' };

/** What others may know of the encryption. */
export function objectEncryptionOf(encryption: Encryption): ObjectEncryption {
  return encryption.mode === 'sse-c' ? { mode: encryption.mode } : encryption;
}

/** Headers of SSE-C. The first two are signed; the third is sent by whoever has the key, and never signed. */
export const CUSTOMER_KEY_HEADERS = {
  algorithm: 'x-amz-server-side-encryption-customer-algorithm',
  md5: 'x-amz-server-side-encryption-customer-key-md5',
  key: 'x-amz-server-side-encryption-customer-key',
} as const;
