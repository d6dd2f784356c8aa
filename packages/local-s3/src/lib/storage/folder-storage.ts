import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { createByteFiles } from './folder/byte-files.ts';
import { createObjectView } from './folder/object-view.ts';
import { createRecordFiles } from './folder/record-files.ts';
import type { Storage } from './storage.ts';

/**
 * Keeps everything below a folder, which it makes if it is missing and expects for itself: one process at a time.
 *
 * ```
 * <path>/<bucket>/<key>          objects, as plain files (see ObjectView)
 * <path>/.local-s3/records/      one small JSON file per bucket, key, upload and part
 * <path>/.local-s3/bytes/        the bytes of objects and parts
 * <path>/.local-s3/temporary/    what is being written; emptied at the start
 * ```
 */
export function createFolderStorage(path: string): Storage {
  const root = resolve(path);
  const inner = join(root, '.local-s3');
  const folders = {
    records: join(inner, 'records'),
    bytes: join(inner, 'bytes'),
    temporary: join(inner, 'temporary'),
  };
  const { loadRecords, writeRecord, removeRecords } = createRecordFiles(folders.records, folders.temporary);
  const { pathOf, ...bytes } = createByteFiles(folders.bytes);
  const view = createObjectView(root, folders.temporary);

  return {
    async loadRecords() {
      await rm(folders.temporary, { recursive: true, force: true });
      for (const folder of [folders.records, join(folders.bytes, 'objects'), folders.temporary]) {
        await mkdir(folder, { recursive: true });
      }
      return await loadRecords();
    },
    writeRecord,
    removeRecords,
    ...bytes,
    showObject: (bucket, key, ref) => view.show(bucket, key, pathOf(ref)),
    hideObject: (bucket, key) => view.hide(bucket, key),
    objectFile: (bucket, key, ref) => view.find(bucket, key, pathOf(ref)) ?? pathOf(ref),
  };
}
