import {
  type CancelResponse,
  type CompleteRequest,
  type CompleteResponse,
  type CreateUploadResponse,
  isComposite,
  type PartsRequest,
  type PartsResponse,
} from '@longhaul/protocol';
import type { CoordinatorCall } from '../ports/coordinator.ts';
import { leaveToCompletion } from '../stages/complete-upload.ts';
import { create, type CreateBody, type OpenInput } from '../stages/open-upload.ts';
import { preferNewer } from '../prefer-newer.ts';
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
  { uploadId, token, mode, checksumAlgorithm }: CreateUploadResponse,
  request: CreateBody,
): Session {
  const { coordinator } = input;
  const reopen = async (): Promise<CreateUploadResponse | undefined> => {
    const created = await create(input, request);
    if (created.uploadId === uploadId) {
      token = created.token;
      return created;
    }
    // An upload found by its content is not bound to our createId: once it takes no more parts, the same create begins
    // another one, which nobody wants. Asking for completion tells what became of ours.
    const stray = { method: 'delete', path: `/${created.uploadId}`, token: created.token } as const;
    if (!created.resumed) await coordinator.call(stray, input.abortSignal).catch(() => {});
    return undefined;
  };

  coordinator.learnt.checksumAlgorithm = checksumAlgorithm ?? null;
  const withFreshToken = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    try {
      return await ask();
    } catch (error) {
      if (codeOf(error) !== 'token-expired') throw error;
      await reopen();
      return await ask();
    }
  };
  const post = async <Answer>(form: CallForm, json: object, signal: AbortSignal): Promise<Answer> =>
    await coordinator.call({ method: 'post', ...formed(form, { uploadId, token }, json) }, signal);

  return {
    reopen,
    complete: (signal, { report, ...whole } = {}) =>
      withFreshToken(() =>
        preferNewer(coordinator, async (isOlder) => {
          const last = { report: report?.length ? report : undefined };
          if (isOlder && last.report)
            await post({ path: '/parts', isOlder }, last, signal).catch(leaveToCompletion);
          const call = { path: '/complete', mayShare: mode === 'single', isOlder };
          const { checksum } = whole;
          // A coordinator from before takes it for no checksum.
          const known = { checksum: isComposite(checksum) ? undefined : checksum };
          return await post(call, { ...whole, ...(isOlder ? known : last) }, signal);
        }),
      ),
    cancel: (signal) =>
      withFreshToken(() => coordinator.call({ method: 'delete', path: `/${uploadId}`, token }, signal)),
    async exchangeParts(json) {
      const answer = await withFreshToken(() =>
        preferNewer(coordinator, (isOlder) =>
          post<PartsResponse>({ path: '/parts', isOlder }, json, input.stopSignal),
        ),
      );
      token = answer.token ?? token;
      return answer;
    },
  };
}

type CallForm = Pick<CoordinatorCall, 'path' | 'mayShare'> & { readonly isOlder: boolean };

/** With the token in the body and no id in the path, a page of another origin need not ask first whether it may. */
function formed(
  { isOlder, ...more }: CallForm,
  { uploadId, token }: Pick<CreateUploadResponse, 'uploadId' | 'token'>,
  json: object,
): Omit<CoordinatorCall, 'method'> {
  return isOlder
    ? { ...more, path: `/${uploadId}${more.path}`, token, json }
    : { ...more, json: { ...json, uploadId, token } };
}
