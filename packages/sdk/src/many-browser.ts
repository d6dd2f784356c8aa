/**
 * Many files in a browser: those of an input, of a dropped folder, or of any other list, with one progress.
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
export { filesOfDrop } from './lib/platform/browser/files-of-drop.ts';
export { filesOfInput } from './lib/platform/browser/files-of-input.ts';
