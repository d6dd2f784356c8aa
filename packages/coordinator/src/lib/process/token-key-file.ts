import { randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';

/**
 * The key that signs tokens on one machine, made at the first start and kept in a file that only its owner may read.
 * Processes that start together end up with the same key.
 */
export async function readOrMakeTokenKey(path: string): Promise<string> {
  const existing = await readTokenKey(path);
  if (existing) return existing;
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

/** The key in the file; `undefined` without a file. */
export async function readTokenKey(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
