import type {
  CancelResponse,
  CompleteResponse,
  CreateUploadResponse,
  PartsRequest,
  PartsResponse,
} from '@longhaul/protocol';
import type { Coordinator, CoordinatorCall } from '../ports/coordinator.ts';
import { codeOf } from '../upload-error.ts';

/** The calls of one upload, with the token kept fresh. Every one throws `UPLOAD_ENDED` once the upload was ended from elsewhere. */
export interface Session {
  /** Creates the same upload again: learns what the store has by now, and gets a fresh token. */
  reopen(): Promise<CreateUploadResponse>;
  exchangeParts(request: PartsRequest): Promise<PartsResponse>;
  complete(signal: AbortSignal): Promise<CompleteResponse>;
  cancel(signal: AbortSignal): Promise<CancelResponse>;
}

/** Begins the session of an upload that `create` has opened. */
export function createSession(
  { coordinator, stopSignal }: { readonly coordinator: Coordinator; readonly stopSignal: AbortSignal },
  { uploadId, token }: CreateUploadResponse,
  create: () => Promise<CreateUploadResponse>,
): Session {
  const reopen = async (): Promise<CreateUploadResponse> => {
    const created = await create();
    token = created.token;
    return created;
  };

  const call = async <Answer>(
    method: CoordinatorCall['method'],
    path: string,
    signal: AbortSignal,
    json?: unknown,
  ): Promise<Answer> => {
    const ask = (): Promise<Answer> =>
      coordinator.call({ method, path: `/${uploadId}${path}`, token, json }, signal);
    try {
      return await ask();
    } catch (error) {
      if (codeOf(error) !== 'token-expired') throw error;
      await reopen();
      return await ask();
    }
  };

  return {
    reopen,
    complete: (signal) => call('post', '/complete', signal, {}),
    cancel: (signal) => call('delete', '', signal),
    async exchangeParts(json) {
      const answer = await call<PartsResponse>('post', '/parts', stopSignal, json);
      token = answer.token ?? token;
      return answer;
    },
  };
}
