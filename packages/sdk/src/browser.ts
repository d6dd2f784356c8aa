/**
 * The uploader for browsers: `File`, `Blob` and bytes, sent by `XMLHttpRequest`.
 *
 * @module
 */
import { type BrowserInput, browserPlatform } from './lib/platform/browser/browser-platform.ts';
import { type CreateUploader, createUploaderOn, type Uploader } from './lib/uploader/create-uploader.ts';
import type { UploaderOptions } from './lib/uploader/options.ts';

/**
 * An uploader in a page or a worker. Create one and use it for all files: it shares six connections among them.
 *
 * @throws TypeError if `options.coordinator` is no absolute URL and no function, or `options.concurrency` no number
 * @example
 * const uploader = createUploader({ coordinator: 'https://uploads.example.com' });
 * const { key } = await uploader.upload(input.files[0]).result;
 */
export function createUploader(options: UploaderOptions): Uploader<BrowserInput> {
  return createUploaderOn(browserPlatform, options);
}
createUploader satisfies CreateUploader<BrowserInput>;

// Of the core, what every application needs; the rest is behind its own door, `@longhaul/sdk/core`.
export type * from './core.ts';
export { isUploadError, UploadError } from './lib/upload-error.ts';
export type { BrowserInput } from './lib/platform/browser/browser-platform.ts';
export { createLocalStorageResumeStore } from './lib/platform/browser/local-storage-resume-store.ts';
