import { fingerprintOf } from '../fingerprint.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Clock } from '../ports/clock.ts';
import type { ResumeStore } from '../ports/resume-store.ts';

/** Which upload a source belongs to. */
export interface UploadIdentity {
  readonly createId: string;
  /** `undefined` where the runtime has no digest. */
  readonly fingerprint: string | undefined;
  /** Whether an open upload of the same content may be continued. */
  readonly resume: boolean;
  /** Where the hint is kept; `undefined` when none is. */
  readonly hintKey?: string;
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

/**
 * Recognises the content, and remembers the upload before it is begun: a crash right after must not make a second one.
 *
 * @param forgetHint the remembered upload is over: another one is begun
 */
export async function identifyUpload(
  { source, coordinator, options, claim, resumeStore, clock }: IdentifyInput,
  forgetHint: boolean,
): Promise<UploadIdentity> {
  // What can be read once is gone by the time it could be resumed.
  const fingerprint = source.once ? undefined : await fingerprintOf(source);
  const hintKey = JSON.stringify([coordinator.address, options.connectorId, fingerprint]);
  let createId = clock.randomUuid();
  if (!fingerprint || options.resume === false || !claim(hintKey)) {
    return { createId, fingerprint, resume: false };
  }
  const hint = forgetHint ? undefined : await resumeStore?.find(hintKey).catch(noHint);
  // The samples may be the same although the file was edited between them.
  const resume = !hint || hint.lastModifiedEpochMs === source.lastModifiedEpochMs;
  if (hint && resume) createId = hint.createId;
  else
    await resumeStore
      ?.remember(hintKey, {
        createId,
        lastModifiedEpochMs: source.lastModifiedEpochMs,
        savedAtEpochMs: Date.now(),
      })
      .catch(noHint);
  return { createId, fingerprint, resume, hintKey };
}

/** The upload has ended: nothing is left to come back to. */
export async function forgetUpload(
  { resumeStore }: Pick<IdentifyInput, 'resumeStore'>,
  hintKey: string | undefined,
): Promise<void> {
  if (hintKey) await resumeStore?.forget(hintKey).catch(noHint);
}

/** A hint is worth less than the upload: without one the coordinator still finds it by its fingerprint. */
function noHint(): undefined {
  return undefined;
}
