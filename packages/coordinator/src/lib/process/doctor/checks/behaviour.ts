import type { BucketSettings, MeasuredStore } from '../../../ports/bucket-probe.ts';
import type { StoreProfile } from '../../../ports/store-profile.ts';
import { type Finding, good } from '../finding.ts';
import type { Patient } from '../patient.ts';

const MEASURE = 'longhaul-coordinator doctor --write-profile profile.json, then S3_PROFILE_FILE=profile.json';

/** What the store does against what uploads rely on, and against what its profile claims. */
export function checkBehaviour(
  patient: Patient,
  settings: BucketSettings,
  measured: MeasuredStore,
): readonly Finding[] {
  const findings = [
    ...signatureFindings(patient, measured),
    ...claimFindings(patient, settings, measured),
    ...checksumFindings(patient, measured),
    ...pagingFindings(patient, measured),
    ...profileFindings(patient, measured),
  ];
  const isGood = findings.every(({ level }) => level === 'note');
  const head = `the store does all that the profile "${patient.profile.name}" claims of it`;
  return isGood ? [good('behaviour', head), ...findings] : findings;
}

function signatureFindings({ profile }: Patient, seen: MeasuredStore): readonly Finding[] {
  const findings: Finding[] = [];
  if (seen.signedLength === false) {
    findings.push({
      id: 'length-not-enforced',
      level: 'error',
      what: 'the store takes more bytes than the signed Content-Length allows',
      why: 'whoever has a URL can store as much as they like: sizes and quotas mean nothing',
      fix: 'a proxy in front of the store may rewrite Content-Length: let clients reach the store itself (S3_PUBLIC_ENDPOINT); else do not give URLs to those whom you do not trust',
    });
  }
  if (seen.refusesUnsignedHeaders === false) {
    findings.push({
      id: 'unsigned-headers-taken',
      level: profile.refusesUnsignedHeaders ? 'warning' : 'note',
      what: 'the store takes x-amz-* headers that nobody has signed',
      why: 'a client can add metadata, an ACL or a storage class to an object; name, length and content are bound all the same',
      fix: profile.refusesUnsignedHeaders ? MEASURE : 'nothing to do: the profile knows it',
    });
  }
  return findings;
}

interface Claim {
  readonly flag: 'putIfNoneMatch' | 'completeIfNoneMatch' | 'completeIdempotent';
  readonly id: Finding['id'];
  readonly level: Finding['level'];
  readonly what: string;
  readonly why: string;
}

const CLAIMS: readonly Claim[] = [
  {
    flag: 'putIfNoneMatch',
    id: 'put-condition-ignored',
    level: 'error',
    what: 'the store ignores If-None-Match: * on PUT, and its profile says that it does not',
    why: 'a single PUT that is repeated after the upload was completed would overwrite the object',
  },
  {
    flag: 'completeIfNoneMatch',
    id: 'complete-condition-ignored',
    level: 'warning',
    what: 'the store ignores If-None-Match: * on Complete, and its profile says that it does not',
    why: 'the last guard against overwriting is missing; keys are unique all the same',
  },
  {
    flag: 'completeIdempotent',
    id: 'complete-not-repeatable',
    level: 'warning',
    what: 'a repeated Complete is refused, and its profile says that it is not',
    why: 'after a lost answer the object is proved by HEAD alone, which takes longer; nothing is lost',
  },
];

function claimFindings(
  { profile }: Patient,
  { versioning }: BucketSettings,
  seen: MeasuredStore,
): readonly Finding[] {
  const broken = CLAIMS.filter(({ flag }) => profile[flag] && seen[flag] === false);
  const keepsVersions = 'value' in versioning && versioning.value === 'enabled';
  return broken.map(({ flag, id, level, what, why }) =>
    flag === 'putIfNoneMatch' && keepsVersions
      ? { id, level: 'note', what, why: ADDS_A_VERSION, fix: READ_BY_VERSION }
      : { id, level, what, why, fix: MEASURE },
  );
}

/** Ceph radosgw 16 minds the condition, but not in a bucket that keeps versions. */
const ADDS_A_VERSION =
  'a single PUT that is repeated adds a version with the same bytes; what was completed stays under its versionId';
const READ_BY_VERSION = 'read objects by the versionId of the answer and of the event';

function checksumFindings({ profile }: Patient, seen: MeasuredStore): readonly Finding[] {
  const ignored = profile.fullObjectChecksums.filter(
    (name) => seen.fullObjectChecksums?.includes(name) === false,
  );
  const findings: Finding[] = [];
  if (ignored.length > 0) {
    findings.push({
      id: 'checksum-ignored',
      level: 'error',
      what: `the store does not compare ${ignored.join(', ')}, and its profile says that it does`,
      why: 'bytes that were damaged on the way would be stored as if they were right',
      fix: MEASURE,
    });
  }
  if (seen.contentMd5 === false) {
    findings.push({
      id: 'checksum-ignored',
      level: profile.contentMd5 ? 'error' : 'note',
      what: 'the store does not compare Content-MD5',
      why: 'where it has no other checksum either, damage on the way is not noticed but by TLS',
      fix: MEASURE,
    });
  }
  return findings;
}

function pagingFindings({ profile }: Patient, seen: MeasuredStore): readonly Finding[] {
  const broken = [
    seen.pagesParts === false ? 'ListParts' : [],
    seen.pagesObjects === false ? 'ListObjectsV2' : [],
    seen.pagesOpenUploads === false && profile.pagesOpenUploads ? 'ListMultipartUploads' : [],
  ].flat();
  if (broken.length === 0) return [];
  return [
    {
      id: 'paging-broken',
      level: broken.includes('ListParts') ? 'error' : 'warning',
      what: `${broken.join(', ')} does not go on after the first page`,
      why: 'of an upload with more than 1,000 parts the rest would not be seen: it could not be resumed after its state was lost',
      fix: broken.includes('ListParts')
        ? 'update the store; until then keep uploads below 1,000 parts: LONGHAUL_MAX_CHUNKS=1000'
        : MEASURE,
    },
  ];
}

/** Flags that have no finding of their own. */
const OTHER_FLAGS = [
  'completeReturnsEtag',
  'verifiesObjectSize',
  'unknownUploadIs404',
  'refusesPartOrder',
  'listsOpenUploadsByPrefix',
  'presignedCreateMetadata',
  'stableEtags',
  'ssecBlind',
  'ssecCopy',
] as const satisfies readonly (keyof StoreProfile & keyof MeasuredStore)[];

const ALL_FLAGS = [
  ...OTHER_FLAGS,
  'putIfNoneMatch',
  'completeIfNoneMatch',
  'completeIdempotent',
  'refusesUnsignedHeaders',
  'pagesOpenUploads',
] as const;

function profileFindings({ profile }: Patient, seen: MeasuredStore): readonly Finding[] {
  const wrong = OTHER_FLAGS.filter((flag) => profile[flag] && seen[flag] === false);
  const careful = [
    ...ALL_FLAGS.filter((flag) => !profile[flag] && seen[flag] === true),
    ...(seen.fullObjectChecksums ?? []).filter((name) => !profile.fullObjectChecksums.includes(name)),
    ...(seen.encryption ?? []).filter((mode) => !profile.encryption.includes(mode)),
  ];
  const unequal = profile.equalParts === false && seen.equalParts === true ? ['equalParts'] : [];
  const findings: Finding[] = [];
  if (wrong.length + unequal.length > 0) {
    findings.push({
      id: 'profile-wrong',
      level: unequal.length > 0 ? 'error' : 'warning',
      what: `the profile "${profile.name}" says of the store what it does not do: ${[...wrong, ...unequal].join(', ')}`,
      why: 'uploads rely on the profile: they would fail, or take the long way',
      fix: MEASURE,
    });
  }
  if (careful.length > 0) {
    findings.push({
      id: 'profile-too-careful',
      level: 'note',
      what: `the store can do more than the profile "${profile.name}" says: ${careful.join(', ')}`,
      why: 'checksums and conditions that are not known to work are not used',
      fix: MEASURE,
    });
  }
  return findings;
}
