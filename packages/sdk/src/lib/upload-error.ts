import type { Problem } from '@longhaul/protocol';

/** Every reason for which an upload ends without an object. Stable: programs may switch on them. */
export type UploadErrorCode =
  /** The file was changed, truncated or replaced while it was being uploaded. Nothing was completed. */
  | 'FILE_CHANGED'
  /** The file could not be opened or read. */
  | 'FILE_UNREADABLE'
  /** No answer from the coordinator after every retry. The upload can be continued. */
  | 'COORDINATOR_UNREACHABLE'
  /** The coordinator said no; {@link UploadError.problem} says why. */
  | 'COORDINATOR_REFUSED'
  /** No answer from the object store after every retry. The upload can be continued. */
  | 'STORE_UNREACHABLE'
  /** The object store said no; {@link UploadError.s3Code} says why. */
  | 'STORE_REFUSED'
  /** Parts were sent and the store took them, yet it does not have them, again and again. */
  | 'PARTS_MISSING'
  /** The upload was ended from elsewhere: expired, failed, or cancelled by somebody else. */
  | 'UPLOAD_ENDED'
  /** `cancel()` was called and the coordinator has ended the upload. */
  | 'CANCELLED';

/** What is known of a failure besides its code and its message. */
export interface UploadErrorDetails {
  readonly cause?: unknown;
  /** The coordinator's refusal. */
  readonly problem?: Problem;
  /** The store's own error code, for example `AccessDenied`. */
  readonly s3Code?: string;
  /** HTTP status of the answer that decided. */
  readonly status?: number;
  readonly uploadId?: string;
}

/**
 * An upload that did not become an object. The message says what failed, on what, and the next step; it never holds
 * a signature.
 *
 * Not thrown for mistakes of the program (`TypeError`, `RangeError`), nor for an aborted signal: then the signal's
 * own reason is thrown.
 *
 * @example
 * try {
 *   await uploader.upload(file).result;
 * } catch (error) {
 *   if (isUploadError(error) && error.code === 'FILE_CHANGED') askForTheFileAgain();
 *   else throw error;
 * }
 */
export class UploadError extends Error {
  override readonly name = 'UploadError';
  readonly code: UploadErrorCode;
  declare readonly problem?: Problem;
  declare readonly s3Code?: string;
  declare readonly status?: number;
  declare readonly uploadId?: string;

  constructor(code: UploadErrorCode, message: string, { cause, ...details }: UploadErrorDetails = {}) {
    super(message, { cause });
    this.code = code;
    Object.assign(this, details);
  }
}

/** Whether `error` is an {@link UploadError}, also one made by another copy of this package. */
export function isUploadError(error: unknown): error is UploadError {
  return error instanceof Error && error.name === 'UploadError';
}

/** Whether `error` is an {@link UploadError} with this code. */
export function hasCode(error: unknown, code: UploadErrorCode): boolean {
  return isUploadError(error) && error.code === code;
}

/** The refusal of the coordinator in an error, if it is one. */
export function problemOf(error: unknown): Problem | undefined {
  return isUploadError(error) ? error.problem : undefined;
}
