import type { BucketSettings, MeasuredStore } from '../../../ports/bucket-probe.ts';
import type { EncryptionMode } from '../../../ports/store-profile.ts';
import { type Finding, good, shellWithJson } from '../finding.ts';
import type { Patient } from '../patient.ts';

/** Whether customer keys work, and if not, why: a bucket that blocks them, a store that takes and drops them. */
export function checkEncryption(
  patient: Patient,
  settings: BucketSettings,
  seen: MeasuredStore,
): readonly Finding[] {
  const customer = customerKeyFindings(patient, settings, seen);
  const isExplained = customer.some(({ id }) => id !== 'ssec-transits');
  const findings = [...customer, ...missingModes(patient, seen, isExplained)];
  if (findings.some(({ level }) => level !== 'note')) return findings;
  const can = seen.encryption?.join(', ') || 'none that can be asked for';
  return [good('encryption', `encryption that works: ${can}`), ...findings];
}

/** What uploads may ask for, or get, by the settings alone. */
function wantedModes({ settings }: Patient): readonly EncryptionMode[] {
  const { modes = [], defaultMode } = settings.encryption;
  return defaultMode === undefined ? modes : [...new Set([...modes, defaultMode])];
}

function missingModes(patient: Patient, seen: MeasuredStore, isSsecExplained: boolean): readonly Finding[] {
  const { profile } = patient;
  const wanted = wantedModes(patient);
  const missing = [...new Set([...profile.encryption, ...wanted])].filter(
    (mode) =>
      seen.encryption?.includes(mode) === false &&
      !seen.untoldEncryption?.includes(mode) &&
      !(mode === 'sse-c' && isSsecExplained),
  );
  if (missing.length === 0) return [];
  const isWanted = missing.some((mode) => wanted.includes(mode));
  const whose = isWanted ? 'LONGHAUL_ENCRYPTION_* offers' : `the profile "${profile.name}" claims`;
  return [
    {
      id: 'sse-missing',
      level: isWanted ? 'error' : 'warning',
      what: `${whose} ${missing.join(', ')}, and the store does not do it`,
      why: 'an upload that asks for it is refused at the store',
      fix: 'for sse-kms: name a key that there is, and give the credentials kms:GenerateDataKey and kms:Decrypt on it; else longhaul-coordinator doctor --write-profile profile.json',
    },
  ];
}

function customerKeyFindings(
  patient: Patient,
  { encryption }: BucketSettings,
  { encryption: modes, ssecBlind, ssecRefusal }: MeasuredStore,
): readonly Finding[] {
  const { profile } = patient;
  const isClaimed = isOffered(patient);
  const isBlocked = 'value' in encryption && encryption.value.blocksSsec;
  if (isBlocked || (isClaimed && ssecRefusal?.status === 403)) return [blockedFinding(patient)];
  if (ssecRefusal?.status === 200) return [ignoredFinding(patient)];
  if (!modes?.includes('sse-c') || ssecBlind !== false) return [];
  return [
    {
      id: 'ssec-transits',
      level: profile.ssecBlind ? 'error' : 'note',
      what: 'SSE-C works only when the key itself is signed',
      why: 'the key has to pass through the coordinator, and a profile that says otherwise lets every such upload fail',
      fix: 'longhaul-coordinator doctor --write-profile profile.json, then S3_PROFILE_FILE=profile.json',
    },
  ];
}

/** By the store's profile, or by our settings. */
function isOffered(patient: Patient): boolean {
  return [...patient.profile.encryption, ...wantedModes(patient)].includes('sse-c');
}

function ignoredFinding(patient: Patient): Finding {
  const { bucket } = patient;
  return {
    id: 'ssec-ignored',
    level: isOffered(patient) ? 'error' : 'note',
    what: `${bucket.bucket} takes the headers of SSE-C and stores the object so that it can be read without the key`,
    why: 'who asks for SSE-C would believe that the file is encrypted',
    fix: 'do not offer sse-c here; the profile must not claim it',
  };
}

function blockedFinding(patient: Patient): Finding {
  const { bucket } = patient;
  return {
    id: 'ssec-blocked',
    level: wantedModes(patient).includes('sse-c') ? 'error' : 'warning',
    what: `${bucket.bucket} blocks SSE-C`,
    why: 'since April 2026 Amazon S3 blocks it in new buckets: an upload with a key of its own is refused with 403',
    fix: shellWithJson(
      `aws s3api put-bucket-encryption --bucket ${bucket.bucket} --server-side-encryption-configuration`,
      {
        Rules: [
          {
            ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
            BlockedEncryptionTypes: { EncryptionType: ['NONE'] },
          },
        ],
      },
    ),
  };
}
