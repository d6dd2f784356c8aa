import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';

import type { Storage } from '../storage.ts';
import { isFileError } from './file-errors.ts';

/**
 * Records as JSON files. A write goes to a new file that is renamed into place: whoever reads, at whatever moment the
 * process was killed, finds the old record or the new one. No fsync: the promise covers a killed process, not a
 * machine that lost its power.
 */
export function createRecordFiles(
  folder: string,
  temporaryFolder: string,
): Pick<Storage, 'loadRecords' | 'writeRecord' | 'removeRecords'> {
  const fileOf = (name: string): string => join(folder, `${name}.json`);

  return {
    async loadRecords() {
      const records = [];
      for (const file of await jsonFilesBelow(folder)) {
        const name = relative(folder, file).split(sep).join('/').slice(0, -'.json'.length);
        records.push({ name, value: await readRecord(file) });
      }
      return records;
    },
    async writeRecord(name, value) {
      const temporary = join(temporaryFolder, randomUUID());
      await writeFile(temporary, JSON.stringify(value));
      await renameInto(temporary, fileOf(name));
    },
    async removeRecords(name) {
      // The record itself goes first: what lies below it is found to be without it at the next start.
      await rm(fileOf(name), { force: true });
      await rm(join(folder, name), { recursive: true, force: true });
    },
  };
}

async function readRecord(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`The record ${file} is damaged: restore it or remove it`, { cause });
  }
}

async function jsonFilesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
    .map((entry) => join(entry.parentPath, entry.name));
}

async function renameInto(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (!isFileError(error, 'ENOENT')) throw error;
    await mkdir(dirname(to), { recursive: true });
    await rename(from, to);
  }
}
