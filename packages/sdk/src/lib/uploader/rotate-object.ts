/**
 * Another encryption for an object that is complete. Loaded on demand.
 *
 * @module
 */
import type { RotateRequest, RotationStatus } from '@longhaul/protocol';
import type { Clock } from '../ports/clock.ts';
import type { Coordinator } from '../ports/coordinator.ts';
import { assertSecret, base64Of, type KeyAndMd5, type LoadedAlready, readKey } from './customer-key.ts';
import type { RotateOptions } from './rotation-handle.ts';

/** What a rotation takes. */
export interface RotationJob extends LoadedAlready {
  readonly coordinator: Coordinator;
  readonly clock: Clock;
  readonly nodeId: string;
  /** The new key, base64. */
  readonly customerKey: string | undefined;
}

/**
 * Asks for the rotation until it has ended. Keys are told only to a coordinator that says that it needs them.
 *
 * @throws TypeError if a key is not 32 bytes in base64
 * @throws UploadError `KEY_UNUSABLE`, `COORDINATOR_REFUSED`, `COORDINATOR_UNREACHABLE`; the signal's reason when it aborts
 */
export async function rotateObject(job: RotationJob, asked: RotateOptions): Promise<RotationStatus> {
  const { clock } = job;
  const { signal = new AbortController().signal, oldKey, onProgress } = asked;
  const keys = {
    old: oldKey && readKey(typeof oldKey === 'string' ? oldKey : base64Of(oldKey), 'oldKey'),
    new: job.customerKey === undefined ? undefined : readKey(job.customerKey),
  };
  let request = requestOf(job, asked, keys.new);
  for (;;) {
    const status = await ask(job, request, signal).catch((error: unknown) => {
      if (!isKeyNeeded(error) || !(keys.old || keys.new) || isWithKeys(request)) throw error;
      assertSecret(job, job.coordinator.address);
      request = withKeys(request, keys);
    });
    if (!status) continue;
    const { sizeBytes, copiedBytes, retryAfterSeconds } = status;
    onProgress?.({ sentBytes: copiedBytes, totalBytes: sizeBytes, bytesPerSecond: 0 });
    if (retryAfterSeconds === undefined) return status;
    await clock.sleep(retryAfterSeconds * 1_000, signal);
  }
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

function isKeyNeeded(error: unknown): boolean {
  return (
    (error as Partial<InstanceType<LoadedAlready['UploadError']>>).problem?.code === 'customer-key-needed'
  );
}
