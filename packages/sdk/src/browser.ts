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
 * @throws TypeError if `options.coordinator` is no absolute URL and no function
 * @throws RangeError if a number is out of its range
 * @example
 * const uploader = createUploader({ coordinator: 'https://uploads.example.com' });
 * const { key } = await uploader.upload(input.files[0]).result;
 */
export function createUploader(options: UploaderOptions): Uploader<BrowserInput> {
  return createUploaderOn(browserPlatform, options);
}
createUploader satisfies CreateUploader<BrowserInput>;

export type { BrowserInput } from './lib/platform/browser/browser-platform.ts';
export { createLocalStorageResumeStore } from './lib/platform/browser/local-storage-resume-store.ts';
export type { UploaderOptions, UploadOptions } from './lib/uploader/options.ts';
export type { CreateUploader, Uploader } from './lib/uploader/create-uploader.ts';
export type { PartProgress, UploadEvents, UploadHandle } from './lib/uploader/upload-handle.ts';
export type { OpenedUpload, TransferState } from './lib/uploader/upload-state.ts';
export type { CoordinatorFetch, CoordinatorHeaders } from './lib/http/coordinator-client.ts';
export type { ResumeHint, ResumeStore } from './lib/ports/resume-store.ts';
export type { UploadProgress } from './lib/progress.ts';
export type { RetryOptions } from './lib/retry.ts';
export {
  isUploadError,
  UploadError,
  type UploadErrorCode,
  type UploadErrorDetails,
} from './lib/upload-error.ts';
export type {
  Checksum,
  Encryption,
  PartPlan,
  Problem,
  ProblemCode,
  ProofLevel,
  UploadMode,
  UploadResult,
} from '@longhaul/protocol';
