import { readFile } from 'node:fs/promises';
import { CommandError } from './command.ts';
import { ConfigError } from './config.ts';

/** What people meet of what an operating system says of files. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'what should be a folder on the way to it is a file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** Why a file cannot be had, in words. */
export function fileProblem(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return MEANINGS[String(code)] ?? (error instanceof Error ? error.message : String(error));
}

/** Reads a file that a variable names. @throws ConfigError naming both when it cannot be read */
export async function readNamedFile(variable: string, path: string): Promise<string> {
  return await readFile(path, 'utf8').catch((error: unknown) => {
    throw new ConfigError([`${variable}=${path} cannot be read: ${fileProblem(error)}`]);
  });
}

/** For a file that was to be made. */
export function cannotWrite(path: string, error: unknown): CommandError {
  const { code } = error as { readonly code?: unknown };
  const why = code === 'ENOENT' ? 'its folder is not there' : fileProblem(error);
  return new CommandError(`${path} cannot be written: ${why}.`);
}

/** For a file that was to be read. */
export function cannotRead(path: string, error: unknown): CommandError {
  return new CommandError(`${path} cannot be read: ${fileProblem(error)}.`);
}
