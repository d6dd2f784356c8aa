import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ResumeHint, ResumeStore } from '../../ports/resume-store.ts';

/**
 * Keeps hints in a folder, one small JSON file each; several processes may share it. The folder is made when the
 * first hint is written. Nothing in it is secret.
 *
 * @example createUploader({ coordinator, resumeStore: createFileResumeStore('/var/lib/my-app/uploads') })
 */
export function createFileResumeStore(folder: string): ResumeStore {
  const fileOf = (key: string): string =>
    join(folder, `${createHash('sha256').update(key).digest('hex')}.json`);
  return {
    async find(key) {
      return parseHint(await readFile(fileOf(key), 'utf8').catch(emptyIfAbsent));
    },
    async remember(key, hint) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      // Written beside and renamed: a crash in the middle leaves the old hint or the new one, never half of one.
      const file = fileOf(key);
      const draft = `${file}.${randomUUID()}.tmp`;
      await writeFile(draft, JSON.stringify(hint), { mode: 0o600 });
      await rename(draft, file);
    },
    async forget(key) {
      await rm(fileOf(key), { force: true });
    },
  };
}

function emptyIfAbsent(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
  throw error;
}

/** What is not a hint counts as none: another program's file, or one that a full disk cut short. */
function parseHint(text: string): ResumeHint | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isHint(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isHint(value: unknown): value is ResumeHint {
  return (
    typeof value === 'object' && value !== null && 'createId' in value && typeof value.createId === 'string'
  );
}
