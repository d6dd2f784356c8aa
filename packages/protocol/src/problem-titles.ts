import type { ProblemCode } from './problem-codes.ts';

/**
 * The title of each problem: one sentence, the same for every occurrence.
 *
 * Kept apart from the codes because only the server writes problems: a browser bundle carries none of this.
 */
export const PROBLEM_TITLES: Readonly<Record<ProblemCode, string>> = {
  'bad-request': 'The request is not what this call accepts.',
  'invalid-metadata': 'The metadata cannot be stored with an object.',
  'payload-mismatch': 'The payload is not the content that the request describes.',
  'part-number-out-of-range': 'The plan of the upload has no part of this number.',
  'part-size-mismatch': 'The part has another size than the plan of the upload says.',
  'encryption-unsupported': 'The store cannot encrypt in the way asked for.',
  'token-missing': 'The call needs the token of the upload.',
  'token-expired': 'The token of the upload has expired.',
  unauthorized: 'The application does not let this caller upload.',
  'token-invalid': 'The token is not one of this upload.',
  'quota-exceeded': 'The owner has no room left for this.',
  'route-not-found': 'There is no such call.',
  'upload-not-found': 'There is no such upload.',
  'method-not-allowed': 'The call exists, but not by this method.',
  'create-conflict': 'The createId was used before, for another file.',
  'size-mismatch': 'The upload does not have the size that it is completed with.',
  'parts-missing': 'The store does not have all parts of the upload.',
  'completion-refused': 'The store refused to build the object.',
  'upload-pending': 'The upload was never opened at the store.',
  'upload-completing': 'The upload is being completed.',
  'upload-completed': 'The upload is complete already.',
  'upload-cancelled': 'The upload was cancelled.',
  'upload-failed': 'The upload has failed for good.',
  'upload-expired': 'The upload was left idle for too long and has expired.',
  'request-too-large': 'The request has more bytes or more entries than this call accepts.',
  'size-too-large': 'The file is larger than this server accepts.',
  'content-type-refused': 'This server takes no content of this type.',
  'rate-limited': 'Too many calls in too short a time.',
  'internal-error': 'The server made a mistake.',
  'store-refused': 'The object store refused what the server asked of it.',
  'store-unreachable': 'The object store does not answer.',
  'catalog-unavailable': 'The database of uploads does not answer.',
  'state-unavailable': 'The store of upload state does not answer.',
  'authorization-unavailable': 'Nobody can tell now who may upload.',
};
