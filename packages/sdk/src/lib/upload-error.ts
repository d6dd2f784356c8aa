import type { Problem } from '@longhaul/protocol';

/** Every reason for which an upload ends without an object. Stable: programs may switch on them. */
export type UploadErrorCode =
  /** The file was changed, truncated or replaced while it was being uploaded. Nothing was completed. */
  | 'FILE_CHANGED'
  /** The file could not be opened or read. */
  | 'FILE_UNREADABLE'
  /** The stream failed in the middle; the error's `cause` is what it failed with. Nothing was stored. */
  | 'SOURCE_FAILED'
  /** The source has not `expectedSizeBytes`, or more than an upload of unknown size may have. Nothing was stored. */
  | 'SIZE_MISMATCH'
  /** The file given to go on with an upload is another one than it began with, whatever its name. */
  | 'FILE_MISMATCH'
  /** No answer from the coordinator after every retry. The upload can be continued. */
  | 'COORDINATOR_UNREACHABLE'
  /** The coordinator said no; {@link UploadError.problem} says why. */
  | 'COORDINATOR_REFUSED'
  /** No answer from the object store after every retry. The upload can be continued. */
  | 'STORE_UNREACHABLE'
  /** The object store said no; {@link UploadError.s3Code} says why. */
  | 'STORE_REFUSED'
  /** The upload was ended from elsewhere: expired, failed, or cancelled by somebody else. */
  | 'UPLOAD_ENDED'
  /**
   * In Node: the coordinator, or the store, shows a certificate that is not trusted here, and nothing was sent to it. The
   * message says what to set. The upload can be continued.
   */
  | 'CERTIFICATE_UNTRUSTED'
  /**
   * What sends is loaded on demand, and could not be: the network is away, or the page was published anew since it was
   * opened. Load the page again; the upload can be continued.
   */
  | 'CODE_UNREACHABLE'
  /**
   * The key of an upload with `sse-c` cannot be used: it was not given, is another than the upload was begun with, or would be
   * sent without TLS or to a store that is not bound to it. Nothing was sent with it.
   */
  | 'KEY_UNUSABLE'
  /** `cancel()` was called and the coordinator has ended the upload. */
  | 'CANCELLED';

/** What is known of a failure besides its code and its message. */
export interface UploadErrorDetails {
  readonly cause?: unknown;
  /** The coordinator's refusal. */
  readonly problem?: Problem | undefined;
  /** The store's own error code, for example `AccessDenied`. */
  readonly s3Code?: string | undefined;
  /** HTTP status of the answer that decided. */
  readonly status?: number | undefined;
  readonly uploadId?: string | undefined;
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
  declare readonly code: UploadErrorCode;
  declare readonly problem?: Problem | undefined;
  declare readonly s3Code?: string | undefined;
  declare readonly status?: number | undefined;
  declare readonly uploadId?: string | undefined;

  constructor(code: UploadErrorCode, message: string, { cause, ...details }: UploadErrorDetails = {}) {
    super(message, { cause });
    Object.assign(this, details, { code });
  }
}

/** Whether `error` is an {@link UploadError}, also one made by another copy of this package. */
export function isUploadError(error: unknown): error is UploadError {
  return error instanceof Error && error.name === 'UploadError';
}

/**
 * What somebody has said no with, most precise first: the coordinator's code, the store's, our own. They cannot be
 * mistaken for each other: `parts-missing`, `NoSuchUpload`, `FILE_CHANGED`. Empty for any other error.
 */
export function codeOf(error: unknown): string {
  if (!isUploadError(error)) return '';
  const { code, problem, s3Code } = error;
  return code === 'COORDINATOR_REFUSED' ? String(problem?.code) : (s3Code ?? code);
}

/** Nobody answered, after every retry. */
export function unreachable(
  code: 'COORDINATOR_UNREACHABLE' | 'STORE_UNREACHABLE',
  who: string,
  cause: unknown,
): UploadError {
  const message = `No answer from the ${who}: ${failureReason(cause)}. Do the same again to resume.`;
  return new UploadError(code, message, { cause });
}

/** Why a request got no answer, in a word: the system's error code where there is one. */
function failureReason(error: unknown): string {
  const { cause, code, message } = error as { cause?: unknown; code?: unknown; message?: unknown };
  return cause ? failureReason(cause) : String(code ?? message);
}
