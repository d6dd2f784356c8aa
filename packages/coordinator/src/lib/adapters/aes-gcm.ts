import type { webcrypto } from 'node:crypto';
import { KeyVaultError } from '../ports/key-vault.ts';

const NONCE_BYTES = 12;
const KEY_BYTES = 32;

/**
 * Encrypts with AES-256-GCM under a random nonce; answers nonce and ciphertext as base64url.
 *
 * @param context what must be the same to decrypt it
 */
export async function encrypt(key: Uint8Array, plain: Uint8Array, context: string): Promise<string> {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  const cipher = await crypto.subtle.encrypt(
    parameters(nonce, context),
    await importKey(key),
    new Uint8Array(plain),
  );
  return Buffer.concat([nonce, new Uint8Array(cipher)]).toString('base64url');
}

/** @throws KeyVaultError of kind `sealed-otherwise` when key, text or context is another */
export async function decrypt(key: Uint8Array, sealed: string, context: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(Buffer.from(sealed, 'base64url'));
  try {
    const plain = await crypto.subtle.decrypt(
      parameters(bytes.subarray(0, NONCE_BYTES), context),
      await importKey(key),
      bytes.subarray(NONCE_BYTES),
    );
    return new Uint8Array(plain);
  } catch (cause) {
    throw new KeyVaultError(
      'sealed-otherwise',
      'A sealed key cannot be opened: it was changed, or sealed for another upload or by another key of the same name',
      { cause },
    );
  }
}

/** Says what a sealed key is for, so that it opens for nothing else. */
export function contextOf(uploadId: string): string {
  return `longhaul/customer-key/${uploadId}`;
}

function parameters(iv: Uint8Array<ArrayBuffer>, context: string): webcrypto.AesGcmParams {
  return { name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(context) };
}

async function importKey(key: Uint8Array): Promise<webcrypto.CryptoKey> {
  if (key.byteLength !== KEY_BYTES)
    throw new TypeError(`a key of AES-256 has ${KEY_BYTES} bytes, got ${key.byteLength}`);
  return await crypto.subtle.importKey('raw', new Uint8Array(key), 'AES-GCM', false, ['encrypt', 'decrypt']);
}
