import type { Checksum, CreateUploadResponse, PartToSign } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import { ENDED } from '../ended.ts';
import { preferNewer } from '../prefer-newer.ts';
import { codeOf } from '../upload-error.ts';

/** An upload that the coordinator has opened. */
export interface Opening {
  readonly created: CreateUploadResponse;
  /** When the answer's URLs were asked for. */
  readonly askedMs: number;
  /** The call that opens it again. */
  readonly request: CreateBody;
}

/** The create call: whatever was decided, and maybe the content. */
export type CreateBody = {
  readonly payload?: string | undefined;
  readonly checksum?: Checksum | undefined;
};

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
  return await coordinator.call({ method: 'post', path: '', json, mayShare: true }, abortSignal);
}

/**
 * Opens the upload, and asks for the URLs of parts, as they are expected to be, in the same call. `undefined`: the createId belongs to an upload that has ended, or that was another one; a new
 * createId is needed.
 */
export async function openUpload(
  input: OpenInput,
  request: CreateBody,
  sign: readonly PartToSign[] = [],
): Promise<Opening | undefined> {
  const { clock, coordinator } = input;
  const askedMs = clock.nowMs();
  const ask = (isOlder = true): Promise<CreateUploadResponse> =>
    create(input, isOlder ? request : { ...request, sign });
  try {
    const created = await (sign.length > 0 ? preferNewer(coordinator, ask) : ask());
    return ENDED.test(created.state) ? undefined : { created, askedMs, request };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'create-conflict') return undefined;
    if (code !== 'request-too-large' || request.payload === undefined) throw error;
    // A coordinator may take smaller payloads than we send: then the content goes to a URL like any other.
    return await openUpload(input, { ...request, payload: undefined });
  }
}
