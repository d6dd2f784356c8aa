import { createHash, randomFillSync } from 'node:crypto';
import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file to upload, and what the stored object must be equal to. */
export interface TestFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/**
 * Writes a file that is an hour old: browsers compare times of change in whole seconds, so a change right after
 * writing would go unseen.
 */
export async function writeTestFile(
  folder: string,
  name: string,
  content: { readonly sizeBytes: number; readonly kind?: 'random' | 'zeros' },
): Promise<TestFile> {
  const bytes = Buffer.alloc(content.sizeBytes);
  if (content.kind !== 'zeros') randomFillSync(bytes);
  const path = join(folder, name);
  await writeFile(path, bytes);
  const anHourAgo = Date.now() / 1_000 - 3_600;
  await utimes(path, anHourAgo, anHourAgo);
  return { path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
}

/** In hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
