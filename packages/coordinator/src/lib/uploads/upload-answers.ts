import {
  type CompleteResponse,
  objectEncryptionOf,
  type ProblemCode,
  type UploadResult,
  type UploadState,
  type UploadStatus,
} from '@longhaul/protocol';
import { CoordinatorError } from '../coordinator-error.ts';
import type { StoredPart } from '../ports/object-store.ts';
import type { UploadRecord } from '../ports/upload-record.ts';
import type { UploadContext } from './context.ts';
import { receivedPartOf } from './upload-checksum.ts';
import type { TokenClaims } from './upload-token.ts';
import { wholeOf } from './whole-record.ts';

/** States in which a call that would change the upload is refused, and how. */
const CLOSED: Partial<Record<UploadState, { code: ProblemCode; because: string }>> = {
  PENDING: {
    code: 'upload-pending',
    because: 'was never opened at the store. Repeat the create call with the same createId',
  },
  COMPLETING: { code: 'upload-completing', because: 'is being completed. Ask for its completion again' },
  COMPLETED: {
    code: 'upload-completed',
    because: 'is complete already. Create a new upload to send other content',
  },
  ABORTING: { code: 'upload-cancelled', because: 'is being cancelled. Create a new upload' },
  CANCELLED: { code: 'upload-cancelled', because: 'was cancelled. Create a new upload' },
  EXPIRED: {
    code: 'upload-expired',
    because: 'expired after a long time without activity. Create a new upload',
  },
  FAILED: { code: 'upload-failed', because: 'has failed. Create a new upload' },
};

/** The refusal that goes with a state in which an upload takes no more changes. */
export function closedError(uploadId: string, state: UploadState): CoordinatorError {
  const closed = CLOSED[state];
  if (!closed) throw new TypeError(`upload ${uploadId} is ${state}, which refuses nothing`);
  return new CoordinatorError(closed.code, `Upload ${uploadId} ${closed.because}.`, { uploadId });
}

/**
 * The row of the upload that a token speaks for.
 *
 * @throws CoordinatorError `upload-not-found`, or `token-invalid` when the token was revoked
 */
export async function findRecord(context: UploadContext, caller: TokenClaims): Promise<UploadRecord> {
  const record = await context.catalog.find(caller.uploadId);
  // In another bucket nothing of it would be found, and that would look like its end.
  if (record?.bucket !== context.objectStore.bucket) {
    throw new CoordinatorError('upload-not-found', `There is no upload ${caller.uploadId}.`, {
      uploadId: caller.uploadId,
    });
  }
  assertCaller(record, caller);
  return record;
}

/** Refuses a token that speaks for another owner or was revoked since. */
export function assertCaller(upload: { owner: string; tokenVersion: number }, caller: TokenClaims): void {
  if (upload.owner === caller.owner && upload.tokenVersion === caller.tokenVersion) return;
  throw new CoordinatorError(
    'token-invalid',
    `The token of upload ${caller.uploadId} was revoked. Create it again with the same createId to get a fresh one.`,
    { uploadId: caller.uploadId },
  );
}

/** What an upload's row and its parts say to a client. */
export function statusOf(
  context: UploadContext,
  record: UploadRecord,
  receivedParts: readonly StoredPart[],
): UploadStatus {
  return {
    uploadId: record.uploadId,
    nodeId: record.uploadId,
    state: record.state,
    mode: record.mode,
    plan: record.plan,
    createdAtEpochMs: record.createdAtEpochMs,
    receivedParts: receivedParts.map((part) => receivedPartOf(record, part)),
    ...(record.state === 'COMPLETED' && { result: resultOf(context, record) }),
    ...(record.lastError !== undefined && { lastError: toldError(record.state, record.lastError) }),
  };
}

/**
 * What a client hears of an error. The store's own words may name accounts, roles and addresses inside: of them only the
 * code is told. Why an upload has failed is said in ours.
 */
function toldError(state: UploadState, lastError: string): string {
  if (state === 'FAILED') return lastError;
  const [code] = /^[A-Z]\w+/.exec(lastError) ?? [];
  return code === undefined ? 'the object could not be completed yet' : `the store said ${code}`;
}

/** The result of a completed upload, from its row. */
export function resultOf(context: UploadContext, record: UploadRecord): UploadResult {
  if (record.etag === undefined || record.proof === undefined || record.completedAtEpochMs === undefined) {
    throw new TypeError(`upload ${record.uploadId} is ${record.state} and has no result`);
  }
  const { plan } = wholeOf(record);
  return {
    uploadId: record.uploadId,
    nodeId: record.uploadId,
    bucket: record.bucket,
    key: record.s3Key,
    etag: record.etag,
    ...(record.versionId !== undefined && { versionId: record.versionId }),
    location: context.objectStore.locationOf(record.s3Key),
    sizeBytes: plan.sizeBytes,
    partCount: plan.partCount,
    proof: record.proof,
    ...(record.proof === 'checksum' && record.checksum && { checksum: record.checksum }),
    ...(record.encryption && { encryption: objectEncryptionOf(record.encryption) }),
    completedAtEpochMs: record.completedAtEpochMs,
  };
}

/** Answer of a completion that is over. */
export function completedAnswer(context: UploadContext, record: UploadRecord): CompleteResponse {
  return { state: 'COMPLETED', result: resultOf(context, record) };
}

/** Answer of a completion that goes on. */
export function completingAnswer(): CompleteResponse {
  return { state: 'COMPLETING', retryAfterSeconds: 2 };
}
