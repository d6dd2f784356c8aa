/**
 * Another encryption for an object that is complete. Loaded on demand.
 *
 * @module
 */
import type { RotateRequest, RotationStatus } from '@longhaul/protocol';
import type { Coordinator } from '../ports/coordinator.ts';
import type { RepeatInput } from '../repeat.ts';
import type { UploadError } from '../upload-error.ts';
import { type CopiedByClient, copyByClient } from './copy-by-client.ts';
import { assertSecret, base64Of, type KeyAndMd5, readKey } from './customer-key.ts';
import type { LoadedAlready } from './loaded-already.ts';
import type { RotateOptions } from './rotation-handle.ts';

/** What a rotation takes. */
export interface RotationJob extends LoadedAlready, RepeatInput {
  readonly coordinator: Coordinator;
  readonly nodeId: string;
  /** The new key, base64. */
  readonly customerKey: string | undefined;
}

/** Times that parts are streamed of which the store, or the coordinator, knows nothing afterwards. */
const MAX_STREAMS = 5;
/** Times that somebody else has the rotation: longer than a coordinator keeps it that has died. */
const MAX_WAITS = 30;

/**
 * Asks for the rotation until it has ended. Keys are told only to a coordinator that says that it needs them; where its store cannot
 * copy the object it is streamed from here, and they are told to the store alone.
 *
 * @throws TypeError if a key is not 32 bytes in base64
 * @throws UploadError `KEY_UNUSABLE`, `COORDINATOR_REFUSED`, `COORDINATOR_UNREACHABLE`, `STORE_REFUSED`, `STORE_UNREACHABLE`; the
 * signal's reason when it aborts
 */
export async function rotateObject(job: RotationJob, asked: RotateOptions): Promise<RotationStatus> {
  const { clock } = job;
  const { signal = new AbortController().signal, onProgress } = asked;
  const keys = readKeys(job, asked);
  const tell = (sentBytes: number, totalBytes: number): void =>
    onProgress?.({ sentBytes, totalBytes, bytesPerSecond: 0 });
  let request = requestOf(job, asked, keys.new);
  const rounds = { streams: 0, waits: 0 };
  for (;;) {
    const status = await ask(job, request, signal).catch((error: unknown) => {
      request = richer(job, request, keys, error);
    });
    if (!status) continue;
    const { sizeBytes, copiedBytes, copyByClient, retryAfterSeconds } = status;
    if (!copyByClient) tell(copiedBytes, sizeBytes);
    if (retryAfterSeconds === undefined) return status;
    if (copyByClient) {
      const copied = await copyByThisClient({ job, keys, status, tell, rounds }, signal);
      const isNews = copied && !request.copied;
      request = withCopied(request, copied);
      if (isNews) continue;
    }
    await clock.sleep(retryAfterSeconds * 1_000, signal);
  }
}

function readKeys({ customerKey }: RotationJob, { oldKey }: RotateOptions): Keys {
  return {
    old: oldKey && readKey(typeof oldKey === 'string' ? oldKey : base64Of(oldKey), 'oldKey'),
    new: customerKey === undefined ? undefined : readKey(customerKey),
  };
}

interface Round {
  readonly job: RotationJob;
  readonly keys: Keys;
  readonly status: RotationStatus;
  readonly tell: (sentBytes: number, totalBytes: number) => void;
  readonly rounds: { streams: number; waits: number };
}

/** `undefined`: another has been faster, most likely, and the rotation tells. */
async function copyByThisClient(
  { job, keys, status: { rotationId }, tell, rounds }: Round,
  signal: AbortSignal,
): Promise<CopiedByClient | undefined> {
  if (!keys.old) throw oldKeyNeeded(job);
  if (rounds.streams >= MAX_STREAMS)
    throw new job.UploadError('STORE_REFUSED', 'The object store does not keep the parts that it has taken.');
  try {
    const copy = { ...job, rotationId, oldKey: keys.old, newKey: keys.new, onCopied: tell };
    const copied = await copyByClient(copy, signal);
    if (copied.partCount > 0) rounds.streams++;
    return copied;
  } catch (error) {
    const { problem, status } = error as Partial<UploadError>;
    const isOvertaken = problem ? OVERTAKEN.test(problem.code) : status === 404;
    if (!isOvertaken || ++rounds.waits > MAX_WAITS) throw error;
    return undefined;
  }
}

/** By another client, or by a coordinator that works on it. */
const OVERTAKEN = /^rotation-(copy-closed|open)$/;

/** The word that all parts are there, with the checksum of whichever run has streamed them all. */
function withCopied(request: RotateRequest, copied: CopiedByClient | undefined): RotateRequest {
  if (!copied) return request;
  const { checksum } = copied;
  return { ...request, copied: { ...request.copied, ...(checksum && { checksum }) } };
}

async function ask(
  { coordinator, nodeId }: RotationJob,
  json: RotateRequest,
  signal: AbortSignal,
): Promise<RotationStatus> {
  const path = `/${encodeURIComponent(nodeId)}/rotate`;
  return await coordinator.call<RotationStatus>({ method: 'post', resource: 'objects', path, json }, signal);
}

function requestOf(
  { clock }: RotationJob,
  { rotationId = clock.randomUuid(), encryption, deleteVersions }: RotateOptions,
  newKey: KeyAndMd5 | undefined,
): RotateRequest {
  return {
    rotationId,
    encryption:
      encryption.mode === 'sse-c' ? { mode: encryption.mode, customerKeyMd5: newKey?.md5 ?? '' } : encryption,
    ...(deleteVersions !== undefined && { deleteVersions }),
  };
}

interface Keys {
  readonly old: KeyAndMd5 | '' | undefined;
  readonly new: KeyAndMd5 | undefined;
}

function withKeys(request: RotateRequest, keys: Keys): RotateRequest {
  const { encryption } = request;
  return {
    ...request,
    ...(encryption.mode === 'sse-c' &&
      keys.new && { encryption: { ...encryption, customerKey: keys.new.value } }),
    ...(keys.old && { oldCustomerKey: keys.old.value }),
  };
}

function isWithKeys({ encryption, oldCustomerKey }: RotateRequest): boolean {
  return (
    oldCustomerKey !== undefined || (encryption.mode === 'sse-c' && encryption.customerKey !== undefined)
  );
}

/** The same request with what the coordinator has said that it lacks. Throws the refusal where that is nothing, or was there. */
function richer(job: RotationJob, request: RotateRequest, keys: Keys, error: unknown): RotateRequest {
  const { problem } = error as Partial<UploadError>;
  if (problem?.code === 'rotation-unsupported' && keys.old && !request.copyByClient)
    return { ...request, copyByClient: { oldCustomerKeyMd5: keys.old.md5 } };
  if (problem?.code !== 'customer-key-needed' || !(keys.old || keys.new) || isWithKeys(request)) throw error;
  assertSecret(job, job.coordinator.address);
  return withKeys(request, keys);
}

function oldKeyNeeded({ UploadError }: RotationJob): UploadError {
  const message =
    'The store cannot copy the object, so it is streamed from here. Give the key that it has as oldKey.';
  return new UploadError('KEY_UNUSABLE', message);
}
