/**
 * The engine without a runtime: bring your own sources, sender and clock, as a {@link Platform}.
 *
 * Whole where there is `fetch`, with what is here: {@link createBlobSource}, {@link createFetchPartSender},
 * {@link sourceDigester}, {@link systemClock}. See docs/platforms.md for what each has to promise.
 *
 * @module
 */
export type { CreateUploader, Uploader } from './lib/uploader/create-uploader.ts';
export { createUploaderOn, type UploaderExtras } from './lib/uploader/create-uploader-on.ts';
export type { CustomerKeyEncryption, UploadEncryption } from './lib/upload-encryption.ts';
export type { ShareUpload } from './lib/uploader/workshop.ts';
export type { UploaderOptions, UploadOptions } from './lib/uploader/options.ts';
export type { RotateOptions, RotationHandle } from './lib/uploader/rotation-handle.ts';
export type { UploadControl, UploadEvents, UploadHandle } from './lib/uploader/upload-handle.ts';
export type { PartProgress } from './lib/uploader/upload-tracker.ts';
export type { OpenedUpload, TransferState } from './lib/uploader/upload-state.ts';
export type { CoordinatorHeaders } from './lib/http/coordinator-client.ts';
export type { CoordinatorFetch } from './lib/ports/coordinator.ts';
export type { ByteSource, ReadOnce, SourceHints } from './lib/ports/byte-source.ts';
export type { Clock } from './lib/ports/clock.ts';
export type { Digester, StretchToDigest } from './lib/ports/digester.ts';
export type { Connectivity } from './lib/ports/connectivity.ts';
export type { PartAnswer, PartSender, PartToSend } from './lib/ports/part-sender.ts';
export type { Platform } from './lib/ports/platform.ts';
export type { ResumeDetails, ResumeHint, ResumeStore } from './lib/ports/resume-store.ts';
export type { NoticeListener, UploadNotice } from './lib/notice.ts';
export type { UploadProgress } from './lib/progress.ts';
export type { RetryOptions } from './lib/retry.ts';
export { sourceDigester } from './lib/integrity/source-digester.ts';
export { createFetchPartSender, type PartFetch } from './lib/senders/fetch-part-sender.ts';
export { createBlobSource, type BlobSource } from './lib/sources/blob-source.ts';
export type { ByteStream } from './lib/sources/byte-stream.ts';
export { createBytesSource } from './lib/sources/bytes-source.ts';
export { systemClock } from './lib/system-clock.ts';
export {
  isUploadError,
  UploadError,
  type UploadErrorCode,
  type UploadErrorDetails,
} from './lib/upload-error.ts';
export type {
  Checksum,
  ChecksumAlgorithm,
  ObjectEncryption,
  ObjectLock,
  ObjectOptions,
  OpenPlan,
  PartPlan,
  Problem,
  ProblemCode,
  ProofLevel,
  RotationState,
  RotationStatus,
  UploadMode,
  UploadResult,
} from '@longhaul/protocol';
