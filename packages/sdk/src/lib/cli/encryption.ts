import { readFile } from 'node:fs/promises';
import type { UploadEncryption } from '../upload-encryption.ts';

/** `--encryption` as it was written; the key is still in its file. */
export type EncryptionArgument =
  | Exclude<UploadEncryption, { mode: 'sse-c' }>
  | { readonly mode: 'sse-c'; readonly keyFile: string; readonly entrustKey: boolean };

/**
 * Reads `sse-s3`, `sse-kms`, `sse-kms:KEY` or `sse-c` with its file.
 *
 * @throws TypeError naming the option
 */
export function parseEncryption(
  text: string | undefined,
  keyFile: string | undefined,
  entrustKey = false,
): EncryptionArgument | undefined {
  if (text === 'sse-c') return customerKeyIn(keyFile, entrustKey);
  if (keyFile !== undefined) throw notOfThisMode('--key-file');
  if (entrustKey) throw notOfThisMode('--entrust-key');
  if (text === undefined) return undefined;
  // An ARN holds colons.
  const [, mode, kmsKeyId] = /^([\w-]+)(?::(.+))?$/.exec(text) ?? [];
  if (mode === 'sse-kms') return { mode, ...(kmsKeyId !== undefined && { kmsKeyId }) };
  if (mode === 'sse-s3' && kmsKeyId === undefined) return { mode };
  throw new TypeError(`--encryption: it is sse-s3, sse-kms, sse-kms:KEY or sse-c, got "${text}".`);
}

function customerKeyIn(keyFile: string | undefined, entrustKey: boolean): EncryptionArgument {
  if (keyFile !== undefined) return { mode: 'sse-c', keyFile, entrustKey };
  throw new TypeError(
    '--encryption sse-c needs --key-file FILE. To make a key: openssl rand -out FILE 32. Keep it: without it nobody can read the object.',
  );
}

function notOfThisMode(option: string): TypeError {
  return new TypeError(`${option} is for --encryption sse-c: other modes have no key of yours.`);
}

const KEY_BYTES = 32;

/**
 * The encryption, with the key from its file: 32 bytes as they are, or in base64.
 *
 * @throws TypeError naming the file, and nothing of what is in it
 */
export async function loadEncryption(
  argument: EncryptionArgument | undefined,
): Promise<UploadEncryption | undefined> {
  if (argument?.mode !== 'sse-c') return argument;
  const { mode, keyFile, entrustKey } = argument;
  const bytes = await readFile(keyFile).catch((error: unknown) => {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new TypeError(`--key-file: ${keyFile} cannot be read (${code}).`, { cause: error });
  });
  if (bytes.length === KEY_BYTES) return { mode, key: new Uint8Array(bytes), entrustKey };
  const text = bytes.toString('latin1').trim();
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return { mode, key: text, entrustKey };
  throw new TypeError(`--key-file: ${keyFile} must hold 32 bytes, or those in base64.`);
}
