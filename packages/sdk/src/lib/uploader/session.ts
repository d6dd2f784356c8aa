import type {
  CancelResponse,
  CompleteResponse,
  CreateUploadResponse,
  PartsRequest,
  PartsResponse,
  ProblemCode,
  UploadStatus,
} from '@longhaul/protocol';
import type { Coordinator, UploadRef } from '../ports/coordinator.ts';
import { isUploadError, UploadError } from '../upload-error.ts';

/** The calls of one upload, with the token kept fresh. */
export interface Session {
  readonly uploadId: string;
  /** Creates the same upload again: learns what the store has by now, and gets a fresh token. */
  reopen(): Promise<CreateUploadResponse>;
  status(signal: AbortSignal): Promise<UploadStatus>;
  exchangeParts(request: PartsRequest, signal: AbortSignal): Promise<PartsResponse>;
  complete(signal: AbortSignal): Promise<CompleteResponse>;
  cancel(signal: AbortSignal): Promise<CancelResponse>;
}

/** Refusals that say that the upload is over, whatever was asked. */
const ENDED: ReadonlySet<ProblemCode> = new Set(['upload-cancelled', 'upload-expired', 'upload-failed']);

/**
 * Begins the session of an upload that `create` has opened.
 *
 * Every call throws `UPLOAD_ENDED` once the upload was ended from elsewhere.
 */
export function createSession(
  coordinator: Coordinator,
  opened: CreateUploadResponse,
  create: () => Promise<CreateUploadResponse>,
): Session {
  const { uploadId } = opened;
  let { token } = opened;

  const reopen = async (): Promise<CreateUploadResponse> => {
    const answer = await create();
    token = answer.token;
    return answer;
  };

  const call = async <Answer>(ask: (upload: UploadRef) => Promise<Answer>): Promise<Answer> => {
    try {
      return await ask({ uploadId, token });
    } catch (error) {
      const code = isUploadError(error) ? error.problem?.code : undefined;
      if (code && ENDED.has(code)) throw ended(uploadId, error);
      if (code !== 'token-expired') throw error;
      await reopen();
      return await ask({ uploadId, token });
    }
  };

  return {
    uploadId,
    reopen,
    status: (signal) => call((upload) => coordinator.status(upload, signal)),
    complete: (signal) => call((upload) => coordinator.complete(upload, signal)),
    cancel: (signal) => call((upload) => coordinator.cancel(upload, signal)),
    async exchangeParts(request, signal) {
      const answer = await call((upload) => coordinator.exchangeParts(upload, request, signal));
      token = answer.token ?? token;
      return answer;
    },
  };
}

function ended(uploadId: string, cause: unknown): UploadError {
  const problem = isUploadError(cause) ? cause.problem : undefined;
  const message = `Upload ${uploadId} was ended from elsewhere. ${problem?.detail ?? ''} Upload the file again to start anew.`;
  return new UploadError('UPLOAD_ENDED', message, { cause, uploadId, ...(problem && { problem }) });
}
