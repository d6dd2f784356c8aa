import type { CreateUploadRequest, CreateUploadResponse } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import { problemOf } from '../upload-error.ts';

/** An upload that the coordinator has opened. */
export interface Opening {
  readonly created: CreateUploadResponse;
  /** When the answer's URLs were asked for. */
  readonly askedMs: number;
  /** The call that opens it again. */
  readonly request: CreateUploadRequest;
}

/** Makes the create call. */
export type Create = (request: CreateUploadRequest) => Promise<CreateUploadResponse>;

/** States from which nothing can go on. */
const ENDED = /^(ABORTING|CANCELLED|EXPIRED|FAILED)$/;

const INLINE_ASK_AGAIN_MS = 1_000;

/**
 * Opens the upload. `undefined`: the createId belongs to an upload that has ended, or that was another one; a new
 * createId is needed.
 */
export async function openUpload(
  create: Create,
  request: CreateUploadRequest,
  clock: Clock,
  signal: AbortSignal,
): Promise<Opening | undefined> {
  for (;;) {
    const askedMs = clock.nowMs();
    const created = await createOrShrink(create, request);
    if (!created || ENDED.test(created.state)) return undefined;
    if (created.mode !== 'inline' || created.result) return { created, askedMs, request };
    // The store did not say whether it has the content: the same create finds out, or stores it again.
    await clock.sleep(INLINE_ASK_AGAIN_MS, signal);
  }
}

/** A coordinator may take smaller payloads than we send: then the content goes to a URL like any other. */
async function createOrShrink(
  create: Create,
  request: CreateUploadRequest,
): Promise<CreateUploadResponse | undefined> {
  try {
    return await create(request);
  } catch (error) {
    const code = problemOf(error)?.code;
    if (code === 'create-conflict') return undefined;
    const { payload, ...withoutPayload } = request;
    if (code !== 'request-too-large' || payload === undefined) throw error;
    return await create(withoutPayload);
  }
}
