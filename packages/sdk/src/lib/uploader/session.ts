import type {
  CancelResponse,
  CompleteRequest,
  CompleteResponse,
  CreateUploadResponse,
  PartsRequest,
  PartsResponse,
} from '@longhaul/protocol';
import type { CoordinatorCall } from '../ports/coordinator.ts';
import { create, type CreateBody, type OpenInput } from '../stages/open-upload.ts';
import { codeOf } from '../upload-error.ts';

/** The calls of one upload, with the token kept fresh. Every one throws `UPLOAD_ENDED` once the upload was ended from elsewhere. */
export interface Session {
  /**
   * Creates the same upload again: learns what the store has by now, and gets a fresh token. `undefined`: it takes no
   * more parts.
   */
  reopen(): Promise<CreateUploadResponse | undefined>;
  exchangeParts(request: PartsRequest): Promise<PartsResponse>;
  complete(
    signal: AbortSignal,
    request?: { readonly [Name in keyof CompleteRequest]: CompleteRequest[Name] | undefined },
  ): Promise<CompleteResponse>;
  cancel(signal: AbortSignal): Promise<CancelResponse>;
}

/** Begins the session of an upload that `request` has opened. */
export function createSession(
  input: OpenInput & { readonly stopSignal: AbortSignal },
  { uploadId, token, mode }: CreateUploadResponse,
  request: CreateBody,
): Session {
  const reopen = async (): Promise<CreateUploadResponse | undefined> => {
    const created = await create(input, request);
    if (created.uploadId === uploadId) {
      token = created.token;
      return created;
    }
    // An upload found by its content is not bound to our createId: once it takes no more parts, the same create begins
    // another one, which nobody wants. Asking for completion tells what became of ours.
    const stray = { method: 'delete', path: `/${created.uploadId}`, token: created.token } as const;
    if (!created.resumed) await input.coordinator.call(stray, input.abortSignal).catch(() => {});
    return undefined;
  };

  const call = async <Answer>(
    method: CoordinatorCall['method'],
    path: string,
    signal: AbortSignal,
    more: Pick<CoordinatorCall, 'json' | 'mayShare'> = {},
  ): Promise<Answer> => {
    const ask = (): Promise<Answer> =>
      input.coordinator.call({ method, path: `/${uploadId}${path}`, token, ...more }, signal);
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
    complete: (signal, json) => call('post', '/complete', signal, { json, mayShare: mode === 'single' }),
    cancel: (signal) => call('delete', '', signal),
    async exchangeParts(json) {
      const answer = await call<PartsResponse>('post', '/parts', input.stopSignal, { json });
      token = answer.token ?? token;
      return answer;
    },
  };
}
