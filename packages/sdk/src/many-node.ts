/**
 * Many files in Node: a folder, or any other list, with one progress.
 *
 * @module
 */
export {
  uploadAll,
  type UploadAllEvents,
  type UploadAllHandle,
  type UploadAllOptions,
  type UploadOutcome,
} from './lib/many/upload-all.ts';
export type { TotalProgress } from './lib/many/total-progress.ts';
export type { UploadCount, UploadItem, UploadList } from './lib/many/upload-item.ts';
export type { NamedInput } from './lib/ports/named-input.ts';
export { filesOfFolder, type FolderOptions } from './lib/platform/node/files-of-folder.ts';
