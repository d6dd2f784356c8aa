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

/** Standard input, which may hold a key: `-`. Left out where it holds something else. */
export type KeyInput = () => AsyncIterable<Uint8Array>;

/**
 * The encryption, with the key from its file: 32 bytes as they are, or in base64.
 *
 * @throws TypeError naming the file, and nothing of what is in it
 */
export async function loadEncryption(
  argument: EncryptionArgument | undefined,
  input?: KeyInput,
): Promise<UploadEncryption | undefined> {
  if (argument?.mode !== 'sse-c') return argument;
  const { mode, keyFile, entrustKey } = argument;
  return { mode, key: await loadKey('--key-file', keyFile, input), entrustKey };
}

/** The key in a file, or in standard input. @throws TypeError naming the option and the file, and nothing of what is in it */
export async function loadKey(option: string, file: string, input?: KeyInput): Promise<Uint8Array | string> {
  const bytes = await (file === '-' && input ? readAll(input()) : readFile(file)).catch((error: unknown) => {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new TypeError(`${option}: ${file} cannot be read (${code}).`, { cause: error });
  });
  if (bytes.length === KEY_BYTES) return new Uint8Array(bytes);
  const text = bytes.toString('latin1').trim();
  if (/^[A-Za-z0-9+/]{43}=$/.test(text)) return text;
  throw new TypeError(`${option}: ${file} must hold 32 bytes, or those in base64.`);
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of input) chunks.push(chunk);
  return Buffer.concat(chunks);
}
