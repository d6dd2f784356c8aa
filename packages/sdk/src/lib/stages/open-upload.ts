import type { CreateUploadResponse } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import { codeOf } from '../upload-error.ts';

/** An upload that the coordinator has opened. */
export interface Opening {
  readonly created: CreateUploadResponse;
  /** When the answer's URLs were asked for. */
  readonly askedMs: number;
  /** The call that opens it again. */
  readonly request: CreateCall;
}

/** The create call: whatever was decided, and maybe the content. */
export type CreateCall = { readonly payload?: string | undefined };

/** States from which nothing can go on. */
const ENDED = /^(ABORTING|CANCELLED|EXPIRED|FAILED)$/;

const INLINE_ASK_AGAIN_MS = 1_000;

/** What opening takes. */
export interface OpenInput {
  readonly coordinator: Coordinator;
  readonly clock: Clock;
  readonly abortSignal: AbortSignal;
}

/** Makes the create call. */
export async function create(
  { coordinator, abortSignal }: OpenInput,
  json: object,
): Promise<CreateUploadResponse> {
  return await coordinator.call({ method: 'post', path: '', json }, abortSignal);
}

/**
 * Opens the upload. `undefined`: the createId belongs to an upload that has ended, or that was another one; a new
 * createId is needed.
 */
export async function openUpload(input: OpenInput, request: CreateCall): Promise<Opening | undefined> {
  const { clock, abortSignal } = input;
  for (;;) {
    try {
      const askedMs = clock.nowMs();
      const created = await create(input, request);
      if (ENDED.test(created.state)) return undefined;
      if (created.mode !== 'inline' || created.result) return { created, askedMs, request };
      // The store did not say whether it has the content: the same create finds out, or stores it again.
      await clock.sleep(INLINE_ASK_AGAIN_MS, abortSignal);
    } catch (error) {
      const code = codeOf(error);
      if (code === 'create-conflict') return undefined;
      if (code !== 'request-too-large' || !('payload' in request)) throw error;
      // A coordinator may take smaller payloads than we send: then the content goes to a URL like any other.
      const { payload: _payload, ...withoutPayload } = request;
      request = withoutPayload;
    }
  }
}
