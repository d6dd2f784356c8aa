import { isUploadError, type UploadErrorCode } from '@longhaul/sdk';

/** What a card says of a failure. */
export interface FailureText {
  readonly title: string;
  readonly detail: string;
  /** Whether sending the same `File` again can help; a file that has changed must be picked anew. */
  readonly canRetry: boolean;
}

const TITLES: Readonly<Record<UploadErrorCode, string>> = {
  FILE_CHANGED: 'The file was changed while it was on its way',
  FILE_UNREADABLE: 'The file cannot be read',
  FILE_MISMATCH: 'This is another file',
  SOURCE_FAILED: 'What was to be sent broke off',
  SIZE_MISMATCH: 'It is not as long as was said',
  COORDINATOR_UNREACHABLE: 'The coordinator does not answer',
  COORDINATOR_REFUSED: 'The coordinator said no',
  STORE_UNREACHABLE: 'The object store does not answer',
  STORE_REFUSED: 'The object store said no',
  CERTIFICATE_UNTRUSTED: 'The certificate is not trusted',
  CODE_UNREACHABLE: 'This page is out of date, or the network is away',
  KEY_UNUSABLE: 'The key does not fit',
  UPLOAD_ENDED: 'The upload was ended from elsewhere',
  CANCELLED: 'Cancelled',
};

/** The failure in words: a title of ours, and what the SDK says about it. */
export function failureText(error: unknown): FailureText {
  if (!isUploadError(error)) {
    return { title: 'Something went wrong in this page', detail: String(error), canRetry: true };
  }
  const { code, message } = error;
  return {
    title: TITLES[code],
    detail: message,
    canRetry: code !== 'FILE_CHANGED' && code !== 'FILE_UNREADABLE',
  };
}
