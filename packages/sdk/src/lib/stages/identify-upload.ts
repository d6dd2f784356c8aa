import { fingerprintOf } from '../fingerprint.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Clock } from '../ports/clock.ts';
import type { ResumeStore } from '../ports/resume-store.ts';

/** What is known of a source by looking at it. */
export interface Content {
  /** `undefined` where the runtime has no digest. */
  readonly fingerprint: string | undefined;
  /** Where the hint is kept; `undefined` for one that begins anew, whatever is open. */
  readonly hintKey?: string | undefined;
  /** Others send another content as the same one: an open upload that is found by it is not to be continued. */
  readonly isAlone?: boolean;
}

/** Which upload a source belongs to. */
export interface UploadIdentity {
  readonly createId: string;
  readonly fingerprint: string | undefined;
  /** Whether an open upload of the same content may be continued. */
  readonly resume: boolean;
  /** Nothing may be sent before. */
  readonly remembered?: Promise<void>;
}

/** What identifying takes. */
export interface IdentifyInput {
  readonly source: ByteSource;
  readonly coordinator: { readonly address: string };
  readonly options: { readonly connectorId?: string; readonly resume?: boolean };
  /** `false` while another upload of the same content runs: the same file twice at once makes two objects, not one. */
  readonly claim: (hintKey: string) => boolean;
  readonly resumeStore: ResumeStore | undefined;
  readonly clock: Clock;
}

/** Recognises the content, whatever the file is called. */
export async function recogniseContent({
  source,
  coordinator,
  options,
  claim,
}: Omit<IdentifyInput, 'resumeStore' | 'clock'>): Promise<Content> {
  // What can be read once is gone by the time it could be resumed.
  const fingerprint = source.once ? undefined : await fingerprintOf(source);
  const hintKey = JSON.stringify([coordinator.address, options.connectorId, fingerprint]);
  const mayResume = fingerprint && options.resume !== false && claim(hintKey);
  return { fingerprint, hintKey: mayResume ? hintKey : undefined };
}

/**
 * Finds out which upload the content belongs to, and begins to remember it. A crash that comes before makes no second one: by
 * its fingerprint the coordinator finds what is open, and it is empty.
 *
 * @param forgetHint the remembered upload is over: another one is begun
 */
export async function identifyUpload(
  input: IdentifyInput,
  { fingerprint, hintKey, isAlone }: Content,
  forgetHint: boolean,
): Promise<UploadIdentity> {
  const { source, coordinator, options, clock } = input;
  const createId = clock.randomUuid();
  if (!fingerprint || !hintKey) return { createId, fingerprint, resume: false };
  const store = storeFor(input);
  const hint = forgetHint ? undefined : await store?.find(hintKey).catch(noHint);
  const { lastModifiedEpochMs } = source;
  // The samples may be the same although the file was edited between them.
  const resume = !isAlone && (!hint || hint.lastModifiedEpochMs === lastModifiedEpochMs);
  if (hint && resume) return { createId: hint.createId, fingerprint, resume };
  const details = { address: coordinator.address, fingerprint, source, options };
  const remembered = store
    ?.remember(hintKey, { createId, lastModifiedEpochMs, savedAtEpochMs: Date.now() }, details)
    .catch(noHint);
  return { createId, fingerprint, resume, ...(remembered && { remembered }) };
}

/** Whether an earlier run has begun an upload of the content, and not ended it. */
export async function isRemembered(input: Omit<IdentifyInput, 'clock'>): Promise<boolean> {
  const { hintKey } = await recogniseContent(input);
  const hint = hintKey ? await storeFor(input)?.find(hintKey).catch(noHint) : undefined;
  return hint !== undefined && hint.lastModifiedEpochMs === input.source.lastModifiedEpochMs;
}

/** The upload has ended: nothing is left to come back to. */
export async function forgetUpload(
  input: Pick<IdentifyInput, 'resumeStore' | 'source'>,
  { hintKey }: Content,
): Promise<void> {
  if (hintKey) await storeFor(input)?.forget(hintKey).catch(noHint);
}

function storeFor({
  source,
  resumeStore,
}: Pick<IdentifyInput, 'resumeStore' | 'source'>): ResumeStore | undefined {
  return source.sizeBytes < (resumeStore?.minSizeBytes ?? 0) ? undefined : resumeStore;
}

/** A hint is worth less than the upload: without one the coordinator still finds it by its fingerprint. */
function noHint(): undefined {
  return undefined;
}
