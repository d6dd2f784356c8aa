import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { UsageError } from '../command.ts';

/** A customer's key as a request tells it. Both in base64. */
export interface KeyOfFile {
  readonly base64: string;
  readonly md5: string;
}

const KEY_BYTES = 32;

/** The key in a file, or in stdin: 32 bytes, or those in base64. @throws UsageError that tells nothing of what is in it */
export async function readKeyFile(option: string, file: string): Promise<KeyOfFile> {
  const content = await read(option, file);
  const text = content.toString('latin1').trim();
  const isText = /^[A-Za-z0-9+/]{43}=$/.test(text);
  const key = isText ? Buffer.from(text, 'base64') : content;
  if (key.length !== KEY_BYTES)
    throw new UsageError(`${option}: ${file} must hold 32 bytes, or those in base64.`);
  return { base64: key.toString('base64'), md5: createHash('md5').update(key).digest('base64') };
}

/** The first word of each line. @throws UsageError when there is none */
export async function nodeIdsIn(file: string): Promise<readonly string[]> {
  const content = await read('--from-file', file);
  const words = content
    .toString('utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s/, 1)[0] ?? '');
  const ids = words.filter((word) => word !== '' && !word.startsWith('#'));
  if (ids.length === 0) throw new UsageError(`--from-file: ${file} names no object.`);
  return ids;
}

async function read(option: string, file: string): Promise<Buffer> {
  try {
    return await (file === '-' ? buffer(process.stdin) : readFile(file));
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new UsageError(`${option}: ${file} cannot be read (${code}).`, { cause: error });
  }
}
