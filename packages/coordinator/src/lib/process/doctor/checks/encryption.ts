import type { BucketSettings, MeasuredStore } from '../../../ports/bucket-probe.ts';
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

function missingModes(
  { profile }: Patient,
  seen: MeasuredStore,
  isSsecExplained: boolean,
): readonly Finding[] {
  const missing = profile.encryption.filter(
    (mode) =>
      seen.encryption?.includes(mode) === false &&
      !seen.untoldEncryption?.includes(mode) &&
      !(mode === 'sse-c' && isSsecExplained),
  );
  if (missing.length === 0) return [];
  return [
    {
      id: 'sse-missing',
      level: 'warning',
      what: `the profile "${profile.name}" claims ${missing.join(', ')}, and the store does not do it`,
      why: 'an upload that asks for it is refused at the store',
      fix: 'for sse-kms: give the credentials kms:GenerateDataKey and kms:Decrypt on the key; else longhaul-coordinator doctor --write-profile profile.json',
    },
  ];
}

function customerKeyFindings(
  patient: Patient,
  { encryption }: BucketSettings,
  { encryption: modes, ssecBlind, ssecRefusal }: MeasuredStore,
): readonly Finding[] {
  const { profile } = patient;
  const isClaimed = profile.encryption.includes('sse-c');
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

function ignoredFinding({ bucket, profile }: Patient): Finding {
  return {
    id: 'ssec-ignored',
    level: profile.encryption.includes('sse-c') ? 'error' : 'note',
    what: `${bucket.bucket} takes the headers of SSE-C and stores the object so that it can be read without the key`,
    why: 'who asks for SSE-C would believe that the file is encrypted',
    fix: 'do not offer sse-c here; the profile must not claim it',
  };
}

function blockedFinding({ bucket }: Patient): Finding {
  return {
    id: 'ssec-blocked',
    level: 'warning',
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
