import { fingerprintOf } from '../fingerprint.ts';
import type { ByteSource } from '../ports/byte-source.ts';
import type { Clock } from '../ports/clock.ts';
import type { ResumeHint, ResumeStore } from '../ports/resume-store.ts';

/** Which upload a source belongs to. */
export interface UploadIdentity {
  readonly createId: string;
  /** Left out where the runtime has no digest. */
  readonly fingerprint?: string;
  /** Whether an open upload of the same content may be continued. */
  readonly resume: boolean;
  /** Where the hint is kept; left out when there is nothing to keep. */
  readonly hintKey?: string;
}

/** What identifying takes. */
export interface IdentifyInput {
  readonly source: ByteSource;
  /** What else tells uploads of the same content apart: the coordinator, the connector. */
  readonly namespace: readonly unknown[];
  /** The caller's wish. */
  readonly resume: boolean;
  /** The remembered upload is over: another one is begun. */
  readonly forgetHint: boolean;
  /** `false` while another upload of the same content runs: the same file twice at once makes two objects, not one. */
  readonly claim: (hintKey: string) => boolean;
  readonly resumeStore: ResumeStore | undefined;
  readonly clock: Clock;
}

/** Recognises the content, and remembers the upload before it is begun: a crash right after must not make a second one. */
export async function identifyUpload(input: IdentifyInput): Promise<UploadIdentity> {
  const { source, clock, resumeStore } = input;
  const createId = clock.randomUuid();
  const fingerprint = await fingerprintOf(source);
  if (fingerprint === undefined) return { createId, resume: input.resume };
  const hintKey = JSON.stringify([...input.namespace, fingerprint]);
  if (!input.resume || !input.claim(hintKey)) return { createId, fingerprint, resume: false };

  const hint = input.forgetHint ? undefined : await resumeStore?.find(hintKey).catch(noHint);
  const { lastModifiedEpochMs } = source;
  // The samples may be the same although the file was edited between them.
  const isSameFile = !hint || hint.lastModifiedEpochMs === lastModifiedEpochMs;
  if (hint && isSameFile) return { createId: hint.createId, fingerprint, resume: true, hintKey };

  const kept: ResumeHint = {
    createId,
    ...(lastModifiedEpochMs !== undefined && { lastModifiedEpochMs }),
    savedAtEpochMs: Date.now(),
  };
  await resumeStore?.remember(hintKey, kept).catch(noHint);
  return { createId, fingerprint, resume: isSameFile, hintKey };
}

/** The upload has ended: nothing is left to come back to. */
export async function forgetUpload(
  resumeStore: ResumeStore | undefined,
  hintKey: string | undefined,
): Promise<void> {
  if (hintKey !== undefined) await resumeStore?.forget(hintKey).catch(noHint);
}

/** A hint is worth less than the upload: without one the coordinator still finds it by its fingerprint. */
function noHint(): undefined {
  return undefined;
}
