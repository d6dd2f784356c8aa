import { randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { MIN_TOKEN_KEY_LENGTH } from '../coordinator-options.ts';
import { ConfigError } from './config.ts';
import { fileProblem } from './file-problem.ts';

/**
 * The key that signs tokens on one machine, made at the first start and kept in a file that only its owner may read.
 * Processes that start together end up with the same key.
 *
 * @throws ConfigError when it cannot be read, or holds no key
 */
export async function readOrMakeTokenKey(path: string): Promise<string> {
  const existing = await readTokenKey(path);
  if (existing !== undefined) return existing;
  // No process id: in containers that share a folder they are all the same.
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, `${randomBytes(48).toString('base64url')}\n`, { mode: 0o600 });
  try {
    // A link fails when another process was first, and never shows half a file.
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
  return (await readTokenKey(path)) ?? (await readOrMakeTokenKey(path));
}

/** The key in the file; `undefined` without a file. @throws ConfigError when it cannot be read, or holds no key */
export async function readTokenKey(path: string): Promise<string | undefined> {
  const key = await readIfThere(path);
  if (key === undefined || key.length >= MIN_TOKEN_KEY_LENGTH) return key;
  throw new ConfigError([
    `the token key file ${path} holds no key of ${MIN_TOKEN_KEY_LENGTH} characters or more: put it back, or remove it. ` +
      'A new one is made then, and no token that is out stays good',
  ]);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ConfigError([
      `the token key file ${path} cannot be read: ${fileProblem(error)}. LONGHAUL_TOKEN_KEYS may hold the key instead`,
    ]);
  }
}
