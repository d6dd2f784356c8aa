import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { link, mkdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type { KeyedLock } from '../../keyed-lock.ts';
import { createKeyedLock } from '../../keyed-lock.ts';
import { isFileError } from './file-errors.ts';

const MAX_FILE_NAME_BYTES = 255;

/**
 * The current object of each key as a file `<folder>/<bucket>/<key>`, for people and their tools: a second name (hard
 * link) of the file that holds the bytes, so it costs no space and is always whole.
 *
 * It is a convenience that the server itself never reads. Keys that make no such path (`..`, an empty segment, `a`
 * beside `a/b`) and file systems without hard links have no view; {@link ObjectView.find} then answers `undefined`.
 */
export interface ObjectView {
  show(bucket: string, key: string, bytesFile: string): Promise<void>;
  hide(bucket: string, key: string): Promise<void>;
  /** The visible file, if it is the very file that holds the bytes. */
  find(bucket: string, key: string, bytesFile: string): string | undefined;
}

/** A view below `folder`; links are made in `temporaryFolder` and renamed into place. */
export function createObjectView(folder: string, temporaryFolder: string): ObjectView {
  // Making and removing folders must not cross each other.
  const lock: KeyedLock = createKeyedLock();
  const pathOf = (bucket: string, key: string): string | undefined =>
    key.split('/').every(isPlainName) ? join(folder, bucket, key) : undefined;

  return {
    async show(bucket, key, bytesFile) {
      const path = pathOf(bucket, key);
      if (path === undefined || isSameFile(path, bytesFile)) return;
      await lock.run(bucket, () => linkInto(bytesFile, path, join(temporaryFolder, randomUUID())));
    },
    async hide(bucket, key) {
      const path = pathOf(bucket, key);
      if (path !== undefined)
        await lock.run(bucket, () => removeWithEmptyFolders(path, join(folder, bucket)));
    },
    find(bucket, key, bytesFile) {
      const path = pathOf(bucket, key);
      return path !== undefined && isSameFile(path, bytesFile) ? path : undefined;
    },
  };
}

function isPlainName(segment: string): boolean {
  if (segment === '' || segment === '.' || segment === '..') return false;
  // oxlint-disable-next-line no-control-regex
  return !/[\u0000-\u001f\\:]/.test(segment) && Buffer.byteLength(segment) <= MAX_FILE_NAME_BYTES;
}

function isSameFile(path: string, other: string): boolean {
  const [one, two] = [path, other].map((file) => statIfThere(file));
  return one !== undefined && two !== undefined && one.ino === two.ino && one.dev === two.dev;
}

function statIfThere(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A folder on the way is a file: the key lies below another key.
    if (isFileError(error, 'ENOTDIR', 'ENAMETOOLONG')) return undefined;
    throw error;
  }
}

async function linkInto(bytesFile: string, path: string, temporary: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await link(bytesFile, temporary);
    await rename(temporary, path);
  } catch (error) {
    // No view, no harm: the object is stored, and `find` tells that it cannot be seen here.
    if (!(error instanceof Error && 'code' in error)) throw error;
    await rm(temporary, { force: true });
  }
}

async function removeWithEmptyFolders(path: string, top: string): Promise<void> {
  try {
    await rm(path, { force: true });
    for (let folder = dirname(path); folder !== top; folder = dirname(folder)) await rmdir(folder);
  } catch (error) {
    if (!isFileError(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR', 'ERR_FS_EISDIR', 'EISDIR'))
      throw error;
  }
}
