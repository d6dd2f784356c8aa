import type {
  CancelResponse,
  CompleteResponse,
  CreateUploadResponse,
  PartsRequest,
  PartsResponse,
} from '@longhaul/protocol';
import type { Coordinator, CoordinatorCall } from '../ports/coordinator.ts';
import { problemOf, UploadError } from '../upload-error.ts';

/** The calls of one upload, with the token kept fresh. Every one throws `UPLOAD_ENDED` once the upload was ended from elsewhere. */
export interface Session {
  /** Creates the same upload again: learns what the store has by now, and gets a fresh token. */
  reopen(): Promise<CreateUploadResponse>;
  exchangeParts(request: PartsRequest, signal: AbortSignal): Promise<PartsResponse>;
  complete(signal: AbortSignal): Promise<CompleteResponse>;
  cancel(signal: AbortSignal): Promise<CancelResponse>;
}

/** Begins the session of an upload that `create` has opened. */
export function createSession(
  coordinator: Coordinator,
  { uploadId, token: firstToken }: CreateUploadResponse,
  create: () => Promise<CreateUploadResponse>,
): Session {
  let token = firstToken;

  const reopen = async (): Promise<CreateUploadResponse> => {
    const created = await create();
    token = created.token;
    return created;
  };

  const call = async <Answer>(
    signal: AbortSignal,
    method: CoordinatorCall['method'],
    path = '',
    json?: unknown,
  ): Promise<Answer> => {
    const ask = (): Promise<Answer> =>
      coordinator.call({ method, path: `/${uploadId}${path}`, token, json }, signal);
    try {
      return await ask();
    } catch (error) {
      const problem = problemOf(error);
      if (problem?.code === 'token-expired') {
        await reopen();
        return await ask();
      }
      if (!/^upload-(cancelled|expired|failed)$/.test(problem?.code ?? '')) throw error;
      throw new UploadError('UPLOAD_ENDED', `The upload was ended from elsewhere: ${problem?.detail}`, {
        cause: error,
        uploadId,
        ...(problem && { problem }),
      });
    }
  };

  return {
    reopen,
    complete: (signal) => call(signal, 'post', '/complete', {}),
    cancel: (signal) => call(signal, 'delete'),
    async exchangeParts(request, signal) {
      const answer = await call<PartsResponse>(signal, 'post', '/parts', request);
      token = answer.token ?? token;
      return answer;
    },
  };
}
