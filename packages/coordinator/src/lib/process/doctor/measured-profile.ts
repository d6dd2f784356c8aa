import type { BucketSettings, MeasuredStore } from '../../ports/bucket-probe.ts';
import type { EncryptionMode, StoreProfile } from '../../ports/store-profile.ts';

/** What could not be told is not claimed. */
const NOTHING = {
  putIfNoneMatch: false,
  completeIfNoneMatch: false,
  fullObjectChecksums: [],
  contentMd5: false,
  completeIdempotent: false,
  completeReturnsEtag: false,
  verifiesObjectSize: false,
  refusesPartOrder: false,
  refusesUnsignedHeaders: false,
  equalParts: true,
  refusesCutBodies: false,
  unknownUploadIs404: false,
  pagesOpenUploads: false,
  listsOpenUploadsByPrefix: false,
  ssecBlind: false,
  ssecCopy: false,
  presignedCreateMetadata: false,
  stableEtags: false,
} satisfies Partial<StoreProfile>;

const MODES: readonly EncryptionMode[] = ['sse-s3', 'sse-kms', 'sse-c'];

/** What is not tried stays what it is believed to be. */
const LIMITS = [
  'objectOptions',
  'abortAfterDays',
  'maxObjectSizeBytes',
  'maxCopySizeBytes',
  'copyIgnores',
  'requestsPerSecond',
  'http2',
] as const;

/** What was seen, as a profile. */
export function measuredProfile(
  believed: StoreProfile,
  { endpoint, settings, seen }: { endpoint: string; settings: BucketSettings; seen: MeasuredStore },
): StoreProfile {
  const measured = Object.keys(NOTHING).flatMap((flag) => {
    const value = seen[flag as keyof typeof NOTHING];
    return value === undefined ? [] : [[flag, value]];
  });
  const limits = LIMITS.flatMap((limit) =>
    believed[limit] === undefined ? [] : [[limit, believed[limit]] as const],
  );
  return {
    name: believed.name,
    proven: 'doctor',
    source: `measured at ${endpoint}, ${new Date().toISOString().slice(0, 10)}`,
    ...NOTHING,
    ...Object.fromEntries(measured),
    // Whether a bucket that keeps no versions could keep them is not tried: it cannot be undone.
    versioning: believed.versioning || isOn(settings),
    // That rules can be read does not show that one for unfinished uploads would be kept.
    lifecycle: believed.lifecycle && 'value' in settings.lifecycle,
    encryption: believed.encryption
      .filter((mode) => seen.untoldEncryption?.includes(mode))
      .concat(seen.encryption ?? [])
      .toSorted((a, b) => MODES.indexOf(a) - MODES.indexOf(b)),
    ...Object.fromEntries(limits),
  };
}

function isOn({ versioning }: BucketSettings): boolean {
  return 'value' in versioning && versioning.value !== 'off';
}
